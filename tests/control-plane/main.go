// Command control-plane is a Kubernetes control plane for tests, in one process: etcd, kube-apiserver and
// kube-controller-manager. There is no kubelet and no scheduler: tests say themselves which pods are ready.
//
// When it is ready it prints one line of JSON: {"kubeconfig": PATH, "server": URL}. It ends on SIGTERM or SIGINT, and
// with --while-stdin when its standard input ends, which is how it ends with the test that started it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

type settings struct {
	dataDir     string
	address     string
	port        int
	serviceCIDR string
	podCIDR     string
	whileStdin  bool
}

func main() {
	var given settings
	flag.StringVar(&given.dataDir, "data-dir", "", "where its state is, to go on from; by default a new directory, removed at the end")
	flag.StringVar(&given.address, "address", "127.0.0.1", "the address to serve on")
	flag.IntVar(&given.port, "port", 0, "the port to serve on; 0 takes a free one")
	flag.StringVar(&given.serviceCIDR, "service-cidr", "10.96.0.0/16", "where cluster IPs are taken from")
	flag.StringVar(&given.podCIDR, "pod-cidr", "10.244.0.0/16", "where pods are said to be")
	flag.BoolVar(&given.whileStdin, "while-stdin", false, "end when standard input ends")
	flag.Parse()
	if err := run(given); err != nil {
		fmt.Fprintln(os.Stderr, "control-plane:", err)
		os.Exit(1)
	}
}

func run(given settings) error {
	ended := make(chan error, 4)
	go awaitSignal(ended)
	if given.whileStdin {
		go awaitEnd(os.Stdin, ended)
	}
	if given.dataDir == "" {
		made, err := os.MkdirTemp("", "control-plane-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		given.dataDir = made
	}
	go func() {
		if err := start(given, ended); err != nil {
			ended <- err
		}
	}()
	// All of it ends with the process: the state on disk is whole at any moment.
	return <-ended
}

func start(given settings, ended chan<- error) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(given.address, strconv.Itoa(given.port)))
	if err != nil {
		return err
	}
	server := "https://" + listener.Addr().String()
	files, err := writeFiles(given, server)
	if err != nil {
		return err
	}
	store, err := startEtcd(filepath.Join(given.dataDir, "etcd"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	go func() { ended <- fmt.Errorf("kube-apiserver ended: %w", serveAPI(ctx, given, listener, store, files)) }()
	if err := awaitAPI(ctx, files.kubeconfig); err != nil {
		return err
	}
	go func() { ended <- fmt.Errorf("kube-controller-manager ended: %w", runControllers(ctx, given, files)) }()
	if err := awaitControllers(ctx, files.kubeconfig); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"kubeconfig": files.kubeconfig, "server": server})
}

func awaitSignal(ended chan<- error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	ended <- nil
}

func awaitEnd(input io.Reader, ended chan<- error) {
	_, _ = io.Copy(io.Discard, input)
	ended <- nil
}
