package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"keelson.dev/clients/managers"
)

const (
	appliesGroup = "applies.example.com"
	applyRounds  = 60
	applySteps   = 7
)

// Every shape that decides about who owns what. Nothing has a default: the library knows of none.
const appliesSchema = `{"type":"object","properties":{"spec":{"type":"object","properties":{
"text":{"type":"string"},"number":{"type":"integer"},"either":{"x-kubernetes-int-or-string":true},
"items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],
  "properties":{"k":{"type":"string"},"v":{"type":"string"},"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}}},
"pairs":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["p","q"],"items":{"type":"object","required":["p","q"],
  "properties":{"p":{"type":"integer"},"q":{"type":"string"},"v":{"type":"string"}}}},
"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"list":{"type":"array","items":{"type":"string"}},
"map":{"type":"object","additionalProperties":{"type":"string"}},
"maps":{"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}},
"whole":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"a":{"type":"string"},"b":{"type":"string"}}},
"free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}`

// appliesAsTheLibrary lets three managers apply and update at random, and holds the server to what the library says that upstream's is
// made of: who owns what, and which conflicts there are.
func appliesAsTheLibrary(ctx context.Context, config *rest.Config) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	converter, err := serveThings(ctx, client, config)
	if err != nil {
		return err
	}
	things := client.Resource(schema.GroupVersionResource{Group: appliesGroup, Version: "v1", Resource: "things"}).Namespace(namespace)
	for round := range applyRounds {
		local := managedfieldstest.NewTestFieldManager(converter, schema.GroupVersionKind{Group: appliesGroup, Version: "v1", Kind: "Thing"})
		if err := playApplies(ctx, things, local, fmt.Sprintf("thing-%d", round), rand.New(rand.NewSource(int64(round)))); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

func serveThings(ctx context.Context, client dynamic.Interface, config *rest.Config) (managedfields.TypeConverter, error) {
	var shape map[string]any
	if err := json.Unmarshal([]byte(appliesSchema), &shape); err != nil {
		return nil, err
	}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "things." + appliesGroup},
		"spec": map[string]any{
			"group": appliesGroup, "scope": "Namespaced",
			"names":    map[string]any{"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": shape}}},
		},
	}}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := definitions.Create(ctx, definition, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	known, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	var document spec3.OpenAPI
	err = eventually(ctx, "the document of a custom kind", func() (bool, error) {
		paths, err := known.OpenAPIV3().Paths()
		if err != nil || paths["apis/"+appliesGroup+"/v1"] == nil {
			return false, err
		}
		raw, err := paths["apis/"+appliesGroup+"/v1"].Schema("application/json")
		if err != nil {
			return false, err
		}
		return true, json.Unmarshal(raw, &document)
	})
	if err != nil {
		return nil, err
	}
	schemas := map[string]*spec.Schema{}
	for name, one := range document.Components.Schemas {
		schemas[name] = one
	}
	return managedfields.NewTypeConverter(schemas, false)
}

func playApplies(ctx context.Context, things dynamic.ResourceInterface, local managedfieldstest.TestFieldManager, name string, random *rand.Rand) error {
	told := []string{}
	for step := range applySteps {
		manager, force, applies := string(rune('a'+random.Intn(3))), random.Intn(2) == 0, step == 0 || random.Intn(10) < 7
		object := map[string]any{
			"apiVersion": appliesGroup + "/v1", "kind": "Thing",
			"metadata": map[string]any{"name": name, "namespace": namespace}, "spec": randomSpec(random),
		}
		body, err := json.Marshal(object)
		if err != nil {
			return err
		}
		told = append(told, fmt.Sprintf("%s applies=%v force=%v %s", manager, applies, force, body))
		mine := &unstructured.Unstructured{}
		if err := json.Unmarshal(body, &mine.Object); err != nil {
			return err
		}
		var theirs, ours error
		if applies {
			_, theirs = things.Patch(ctx, name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: manager, Force: &force})
			ours = local.Apply(mine, manager, force)
		} else {
			live, err := things.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			sent := mine.DeepCopy()
			sent.SetResourceVersion(live.GetResourceVersion())
			_, theirs = things.Update(ctx, sent, metav1.UpdateOptions{FieldManager: manager})
			ours = local.Update(mine, manager)
		}
		if theirs != nil && ours == nil && strings.Contains(theirs.Error(), `: "null"`) {
			return nil // what the library leaves of a map that was emptied is no value of its type, and ends the round
		}
		if fmt.Sprint(theirs) != fmt.Sprint(ours) {
			return fmt.Errorf("%s\nthe server says %v\nthe library   %v", strings.Join(told, "\n"), theirs, ours)
		}
		if theirs != nil {
			continue
		}
		live, err := things.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !applies && len(live.GetManagedFields()) == 0 {
			return nil // untracked objects stay so by their uid, which the library's have not
		}
		if theirs, ours := managers.Describe(live.GetManagedFields()), managers.Describe(local.ManagedFields()); theirs != ours {
			return fmt.Errorf("%s\nthe server has\n%s\nthe library\n%s", strings.Join(told, "\n"), theirs, ours)
		}
	}
	return nil
}

func randomSpec(random *rand.Rand) map[string]any {
	text := func() any { return string(rune('a' + random.Intn(3))) }
	some := func(of func(i int) any) []any {
		list := []any{}
		for _, i := range random.Perm(4)[:1+random.Intn(3)] {
			list = append(list, of(i))
		}
		return list
	}
	letter := func(i int) any { return string(rune('a' + i)) }
	record := func(of func() any) map[string]any {
		return map[string]any{text().(string): of(), text().(string): of()}
	}
	fields := map[string]func() any{
		"text":   text,
		"number": func() any { return int64(random.Intn(3)) },
		"either": func() any { return []any{"x", int64(1)}[random.Intn(2)] },
		"items": func() any {
			return some(func(i int) any { return map[string]any{"k": letter(i), "v": text(), "set": some(letter)} })
		},
		"pairs": func() any {
			return some(func(i int) any { return map[string]any{"p": int64(i / 2), "q": letter(i % 2), "v": text()} })
		},
		"set":  func() any { return some(letter) },
		"list": func() any { return some(letter) },
		"map":  func() any { return record(text) },
		"maps": func() any {
			return record(func() any { return map[string]any{letter(random.Intn(2)).(string): text()} })
		},
		"whole": func() any { return map[string]any{"a": text()} },
		"free": func() any {
			return record(func() any { return []any{text(), some(letter), record(text)}[random.Intn(3)] })
		},
	}
	names := []string{}
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	made := map[string]any{}
	for _, name := range names {
		if random.Intn(5) < 2 {
			made[name] = fields[name]()
		}
	}
	return made
}
