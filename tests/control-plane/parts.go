package main

// The three parts, each started as its own command would start it, with the flags that this plane needs.

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controlleroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

const (
	etcdDeadline = 30 * time.Second
	// What a part may ask of the API server.
	requestsPerSecond = 2000
)

// startEtcd answers with the URL that it serves clients on.
func startEtcd(dataDir string) (string, error) {
	config := embed.NewConfig()
	config.Dir = dataDir
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // It need not outlive the machine.
	config.EnableGRPCGateway = false
	anyPort := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.ListenPeerUrls = []url.URL{anyPort}, []url.URL{anyPort}
	store, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-store.Server.ReadyNotify():
		return "http://" + store.Clients[0].Addr().String(), nil
	case err := <-store.Err():
		return "", err
	case <-time.After(etcdDeadline):
		return "", fmt.Errorf("etcd is not ready after %v", etcdDeadline)
	}
}

func serveAPI(ctx context.Context, given settings, listener net.Listener, store string, files files) error {
	options := apiserveroptions.NewServerRunOptions()
	port := listener.Addr().(*net.TCPAddr).Port
	err := parse(options.Flags(), []string{
		"--etcd-servers=" + store,
		"--bind-address=" + given.address,
		"--advertise-address=" + given.address,
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + files.serving,
		"--tls-private-key-file=" + files.servingKey,
		"--client-ca-file=" + files.authority,
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + files.tokenKey,
		"--service-account-signing-key-file=" + files.tokenKey,
		"--service-cluster-ip-range=" + given.serviceCIDR,
		// No kubelet gives pods a token, so a pod need not wait for its namespace's account.
		"--disable-admission-plugins=ServiceAccount",
		// Endpoints of the Service "kubernetes" must not be on loopback.
		"--endpoint-reconciler-type=none",
		"--profiling=false",
	})
	if err != nil {
		return err
	}
	options.SecureServing.Listener = listener
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	completed, err := options.Complete(ctx)
	if err != nil {
		return err
	}
	if errors := completed.Validate(); len(errors) != 0 {
		return fmt.Errorf("kube-apiserver options: %v", errors)
	}
	config, err := apiserver.NewConfig(completed)
	if err != nil {
		return err
	}
	// By default 50 a second, of which each new Service takes two: its address is an object.
	loopback := config.KubeAPIs.ControlPlane.Generic.LoopbackClientConfig
	loopback.QPS, loopback.Burst = requestsPerSecond, requestsPerSecond
	complete, err := config.Complete()
	if err != nil {
		return err
	}
	server, err := apiserver.CreateServerChain(complete)
	if err != nil {
		return err
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}

// What tests rely on, and nothing that would wait for a kubelet.
const useful = "endpoints-controller,endpointslice-controller,endpointslice-mirroring-controller,namespace-controller," +
	"serviceaccount-controller,serviceaccount-token-controller,garbage-collector-controller," +
	"root-ca-certificate-publisher-controller,clusterrole-aggregation-controller"

func runControllers(ctx context.Context, given settings, files files) error {
	options, err := controlleroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	known, disabled, aliases := controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases()
	err = parse(options.Flags(known, disabled, aliases), []string{
		"--kubeconfig=" + files.kubeconfig,
		"--controllers=" + useful,
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file=" + files.authority,
		"--service-account-private-key-file=" + files.tokenKey,
		"--cluster-cidr=" + given.podCIDR,
		"--service-cluster-ip-range=" + given.serviceCIDR,
		"--kube-api-qps=" + strconv.Itoa(requestsPerSecond), "--kube-api-burst=" + strconv.Itoa(requestsPerSecond),
	})
	if err != nil {
		return err
	}
	config, err := options.Config(ctx, known, disabled, aliases)
	if err != nil {
		return err
	}
	return controllers.Run(ctx, config.Complete())
}

func parse(sets cliflag.NamedFlagSets, arguments []string) error {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		flags.AddFlagSet(set)
	}
	return flags.Parse(arguments)
}
