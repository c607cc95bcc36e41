package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const findsGroup = "discovered.example.com"

// findsSchema has what no schema of a built-in kind has.
var findsSchema = map[string]any{"type": "object", "properties": map[string]any{"spec": map[string]any{
	"type": "object", "default": map[string]any{"size": int64(1)}, "x-kubernetes-preserve-unknown-fields": true,
	"oneOf": []any{map[string]any{"required": []any{"size"}}, map[string]any{"not": map[string]any{"required": []any{"size"}}}},
	"properties": map[string]any{
		"size": map[string]any{"type": "integer", "minimum": int64(0), "maximum": int64(9), "default": int64(0), "nullable": true},
		"mode": map[string]any{"type": "string", "enum": []any{"fast", "slow"}, "default": "fast", "example": "slow"},
		"tags": map[string]any{"type": "array", "minItems": int64(1), "items": map[string]any{"type": "string", "pattern": "^a: [b]$"}},
	},
}}}

// discovered reads the aggregated documents, finds built-in kinds of the core and of a group in them, and then a custom kind.
func discovered(ctx context.Context, config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	serves := func(wanted ...schema.GroupVersionResource) error {
		groups, resources, failed, err := client.GroupsAndMaybeResources()
		if err != nil {
			return err
		}
		if resources == nil || len(failed) > 0 {
			return fmt.Errorf("the documents are not aggregated, or some versions failed: %v", failed)
		}
		for _, one := range wanted {
			if !namesGroup(groups, one.GroupVersion()) || !namesResource(resources[one.GroupVersion()], one.Resource) {
				return fmt.Errorf("%v is not in them", one)
			}
		}
		return nil
	}
	builtIn := []schema.GroupVersionResource{
		{Version: "v1", Resource: "namespaces"},
		{Version: "v1", Resource: "pods/eviction"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apps", Version: "v1", Resource: "deployments/scale"},
		{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
	}
	if err = serves(builtIn...); err != nil {
		return err
	}
	own, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	definitions := own.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": "finds." + findsGroup},
		"spec": map[string]any{
			"group": findsGroup, "scope": "Cluster",
			"names": map[string]any{"plural": "finds", "kind": "Find"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema":       map[string]any{"openAPIV3Schema": findsSchema},
			}},
		},
	}}
	if _, err = definitions.Create(ctx, definition, metav1.CreateOptions{}); err != nil {
		return err
	}
	finds := schema.GroupVersionResource{Group: findsGroup, Version: "v1", Resource: "finds"}
	status := finds.GroupVersion().WithResource("finds/status")
	return eventually(ctx, "a custom kind in the documents", func() (bool, error) {
		err := serves(append(builtIn, finds, status)...)
		return err == nil, err
	})
}

func namesGroup(groups *metav1.APIGroupList, wanted schema.GroupVersion) bool {
	for _, group := range groups.Groups {
		for _, version := range group.Versions {
			if version.GroupVersion == wanted.String() {
				return true
			}
		}
	}
	return false
}

func namesResource(list *metav1.APIResourceList, name string) bool {
	if list == nil {
		return false
	}
	for _, resource := range list.APIResources {
		if resource.Name == name && len(resource.Verbs) > 0 {
			return true
		}
	}
	return false
}
