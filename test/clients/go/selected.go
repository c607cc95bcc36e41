package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const selectedGroup = "selected.example.com"

// selectedByFields holds informers on two versions of a custom kind, which a webhook converts, to the objects whose fields they ask for.
func selectedByFields(ctx context.Context, config *rest.Config) error {
	address, authority, end, err := serveConversions()
	if err != nil {
		return err
	}
	defer end()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err = definitions.Create(ctx, selectedDefinition(address, authority), metav1.CreateOptions{}); err != nil {
		return err
	}
	of := func(version string) dynamic.ResourceInterface {
		return client.Resource(schema.GroupVersionResource{Group: selectedGroup, Version: version, Resource: "hosts"}).Namespace(namespace)
	}
	err = eventually(ctx, "the kind of two versions", func() (bool, error) {
		_, err := of("v2").List(ctx, metav1.ListOptions{})
		return err == nil, err
	})
	if err != nil {
		return err
	}
	first, err := informed(ctx, client, "v1", "hostPort=one:80")
	if err != nil {
		return err
	}
	second, err := informed(ctx, client, "v2", "host=one")
	if err != nil {
		return err
	}
	for name, hostPort := range map[string]string{"a": "one:80", "b": "one:8080", "c": "two:80"} {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": selectedGroup + "/v1", "kind": "Host", "metadata": map[string]any{"name": name}, "hostPort": hostPort,
		}}
		if _, err = of("v1").Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err = first.becomes(ctx, "+a"); err != nil {
		return err
	}
	if err = second.becomes(ctx, "+a +b"); err != nil {
		return err
	}
	list, err := of("v2").List(ctx, metav1.ListOptions{FieldSelector: "host=one,port=8080"})
	if err != nil {
		return err
	}
	if len(list.Items) != 1 || list.Items[0].GetName() != "b" {
		return fmt.Errorf("the list by two fields has %d objects", len(list.Items))
	}
	// One leaves what both select, one comes into it, one is deleted.
	if _, err = of("v2").Patch(ctx, "a", types.MergePatchType, []byte(`{"host":"three"}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if _, err = of("v1").Patch(ctx, "c", types.MergePatchType, []byte(`{"hostPort":"one:80"}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err = of("v1").Delete(ctx, "b", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err = first.becomes(ctx, "+a -a +c"); err != nil {
		return err
	}
	return second.becomes(ctx, "+a +b -a +c -b")
}

// seen is what an informer told, a word each: +name and -name.
type seen struct {
	version string
	lock    sync.Mutex
	told    []string
}

func informed(ctx context.Context, client dynamic.Interface, version, selector string) (*seen, error) {
	told := &seen{version: version}
	resource := schema.GroupVersionResource{Group: selectedGroup, Version: version, Resource: "hosts"}
	informer := dynamicinformer.NewFilteredDynamicInformer(client, resource, namespace, 0, cache.Indexers{}, func(options *metav1.ListOptions) {
		options.FieldSelector = selector
	}).Informer()
	note := func(sign string) func(object any) {
		return func(object any) {
			told.lock.Lock()
			defer told.lock.Unlock()
			told.told = append(told.told, sign+object.(*unstructured.Unstructured).GetName())
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: note("+"), DeleteFunc: note("-")}); err != nil {
		return nil, err
	}
	go informer.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, fmt.Errorf("the informer on %s never had its first list", version)
	}
	return told, nil
}

// becomes waits for these words; those of one moment may come in any order.
func (s *seen) becomes(ctx context.Context, words string) error {
	return eventually(ctx, s.version+" tells "+words, func() (bool, error) {
		s.lock.Lock()
		defer s.lock.Unlock()
		counts := map[string]int{}
		for _, word := range strings.Fields(words) {
			counts[word]++
		}
		for _, word := range s.told {
			counts[word]--
		}
		for _, count := range counts {
			if count != 0 {
				return false, fmt.Errorf("told %v", s.told)
			}
		}
		return true, nil
	})
}

func selectedDefinition(address string, authority []byte) *unstructured.Unstructured {
	version := func(name string, storage bool, fields ...string) map[string]any {
		properties, selectable := map[string]any{}, []any{}
		for _, field := range fields {
			properties[field] = map[string]any{"type": "string"}
			selectable = append(selectable, map[string]any{"jsonPath": "." + field})
		}
		return map[string]any{
			"name": name, "served": true, "storage": storage, "selectableFields": selectable,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": properties}},
		}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": "hosts." + selectedGroup},
		"spec": map[string]any{
			"group": selectedGroup, "scope": "Namespaced",
			"names":    map[string]any{"plural": "hosts", "singular": "host", "kind": "Host", "listKind": "HostList"},
			"versions": []any{version("v1", true, "hostPort"), version("v2", false, "host", "port")},
			"conversion": map[string]any{"strategy": "Webhook", "webhook": map[string]any{
				"conversionReviewVersions": []any{"v1"},
				"clientConfig":             map[string]any{"url": "https://" + address + "/convert", "caBundle": authority},
			}},
		},
	}}
}

// serveConversions gives its address, the certificate to believe, and how to end it.
func serveConversions() (string, []byte, func(), error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", nil, nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}})
	if err != nil {
		return "", nil, nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(convert)}
	go server.Serve(listener)
	authority := &bytes.Buffer{}
	err = pem.Encode(authority, &pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	return listener.Addr().String(), authority.Bytes(), func() { server.Close() }, err
}

func convert(writer http.ResponseWriter, request *http.Request) {
	var review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Request    struct {
			UID               string           `json:"uid"`
			DesiredAPIVersion string           `json:"desiredAPIVersion"`
			Objects           []map[string]any `json:"objects"`
		} `json:"request"`
	}
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	for _, object := range review.Request.Objects {
		object["apiVersion"] = review.Request.DesiredAPIVersion
		if hostPort, is := object["hostPort"].(string); is {
			object["host"], object["port"], _ = strings.Cut(hostPort, ":")
			delete(object, "hostPort")
		} else {
			object["hostPort"] = fmt.Sprintf("%v:%v", object["host"], object["port"])
			delete(object, "host")
			delete(object, "port")
		}
	}
	writer.Header().Set("Content-Type", "application/json")
	json.NewEncoder(writer).Encode(map[string]any{
		"apiVersion": review.APIVersion, "kind": review.Kind,
		"response": map[string]any{
			"uid": review.Request.UID, "convertedObjects": review.Request.Objects, "result": map[string]any{"status": "Success"},
		},
	})
}
