package main

// The files that the parts know each other by: certificates of one authority, the key of service-account tokens, and the
// kubeconfig of the administrator. Those that are there already are kept, so that clients know the plane again.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

type files struct {
	authority  string
	serving    string
	servingKey string
	tokenKey   string
	kubeconfig string
}

type pair struct {
	certificate *x509.Certificate
	der         []byte
	key         *ecdsa.PrivateKey
}

func writeFiles(given settings, server string) (files, error) {
	folder := filepath.Join(given.dataDir, "files")
	in := func(name string) string { return filepath.Join(folder, name) }
	found := files{in("ca.crt"), in("serving.crt"), in("serving.key"), in("tokens.key"), in("kubeconfig")}
	if _, err := os.Stat(found.kubeconfig); err == nil {
		return found, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return found, err
	}
	authority, err := issue(x509.Certificate{Subject: pkix.Name{CommonName: "test-authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	if err != nil {
		return found, err
	}
	serving, err := issue(x509.Certificate{Subject: pkix.Name{CommonName: "kube-apiserver"},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: addresses(given), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, authority)
	if err != nil {
		return found, err
	}
	admin, err := issue(x509.Certificate{Subject: pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, authority)
	if err != nil {
		return found, err
	}
	tokens, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return found, err
	}
	for path, content := range map[string][]byte{found.authority: certificatePEM(authority), found.serving: certificatePEM(serving),
		found.servingKey: keyPEM(serving.key), found.tokenKey: keyPEM(tokens)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return found, err
		}
	}
	// Last, because it stands for the rest.
	return found, clientcmd.WriteToFile(adminConfig(server, authority, admin), found.kubeconfig)
}

func issue(template x509.Certificate, by *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	if by == nil {
		by = &pair{certificate: &template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &pair{certificate, der, key}, err
}

func addresses(given settings) []net.IP {
	found := []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(given.address)}
	if first, _, err := net.ParseCIDR(given.serviceCIDR); err == nil {
		first[len(first)-1]++ // The Service "kubernetes" has the first address.
		found = append(found, first)
	}
	return found
}

func adminConfig(server string, authority, admin *pair) api.Config {
	config := api.NewConfig()
	config.Clusters["test"] = &api.Cluster{Server: server, CertificateAuthorityData: certificatePEM(authority)}
	config.AuthInfos["admin"] = &api.AuthInfo{ClientCertificateData: certificatePEM(admin), ClientKeyData: keyPEM(admin.key)}
	config.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: "admin"}
	config.CurrentContext = "test"
	return *config
}

func certificatePEM(of *pair) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: of.der})
}

func keyPEM(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err) // A key that was just made on a named curve.
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}
