package main

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"keelson.dev/clients/managers"
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
		told = append(told, managers.Describe(local.ManagedFields()))
	}
	text, err := json.Marshal(told)
	return textOr(string(text), err)
}
