package main

// When it may be called ready: the API server says so, and the controllers have been seen to work.

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	readyDeadline = 2 * time.Minute
	readyInterval = 20 * time.Millisecond
)

func awaitAPI(ctx context.Context, kubeconfig string) error {
	return await(ctx, kubeconfig, "kube-apiserver", func(client *kubernetes.Clientset) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// The service-account controller makes this one for every namespace; the publisher gives each the authority.
func awaitControllers(ctx context.Context, kubeconfig string) error {
	return await(ctx, kubeconfig, "kube-controller-manager", func(client *kubernetes.Clientset) error {
		_, account := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		_, authority := client.CoreV1().ConfigMaps("default").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return errors.Join(account, authority)
	})
}

func await(ctx context.Context, kubeconfig, what string, check func(*kubernetes.Clientset) error) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(readyDeadline); ; time.Sleep(readyInterval) {
		err := check(client)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: %w", what, readyDeadline, err)
		}
	}
}
