package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

type applyStep struct {
	Manager string         `json:"manager"`
	Force   bool           `json:"force"`
	Applies bool           `json:"applies"`
	Object  map[string]any `json:"object"`
}

var builtIn = applyconfigurations.NewTypeConverter(scheme.Scheme)

// applies plays applies and updates (list) of one object, and tells after each who owns what, or why it was refused.
func applies(asked question) []answer {
	told := []string{}
	var local managedfieldstest.TestFieldManager
	for _, text := range asked.List {
		var step applyStep
		if err := json.Unmarshal([]byte(text), &step); err != nil {
			return textOr("", err)
		}
		object := &unstructured.Unstructured{}
		raw, _ := json.Marshal(step.Object)
		if err := object.UnmarshalJSON(raw); err != nil {
			return textOr("", err)
		}
		if local == nil {
			local = managedfieldstest.NewTestFieldManager(builtIn, schema.FromAPIVersionAndKind(object.GetAPIVersion(), object.GetKind()))
		}
		var err error
		if step.Applies {
			err = local.Apply(object, step.Manager, step.Force)
		} else {
			err = local.Update(object, step.Manager)
		}
		if err != nil {
			told = append(told, "error: "+err.Error())
			continue
		}
		told = append(told, owners(local.ManagedFields()))
	}
	text, err := json.Marshal(told)
	return textOr(string(text), err)
}

func owners(entries []metav1.ManagedFieldsEntry) string {
	lines := []string{}
	for _, entry := range entries {
		var fields any
		json.Unmarshal(entry.FieldsV1.Raw, &fields)
		sorted, _ := json.Marshal(fields)
		lines = append(lines, fmt.Sprintf("%s %s %s", entry.Manager, entry.Operation, sorted))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
