package main

import (
	"encoding/json"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

// write is one of what several do to an object in turn: each sends all of it, or applies a part.
type write struct {
	Manager     string          `json:"manager"`
	Subresource string          `json:"subresource"`
	Applies     bool            `json:"applies"`
	Object      json.RawMessage `json:"object"`
}

// asSent gives no defaults.
type asSent struct{}

func (asSent) Default(runtime.Object) {}

// ownersOfEmpty gives who owns what after the writes, and the object.
func ownersOfEmpty(asked question) []answer {
	text, err := ownersAfter(asked)
	return textOr(text, err)
}

func ownersAfter(asked question) (string, error) {
	var writes []write
	if err := json.Unmarshal([]byte(asked.A), &writes); err != nil {
		return "", err
	}
	at := strings.LastIndex(asked.Type, "/")
	version, err := schema.ParseGroupVersion(asked.Type[:at])
	if err != nil {
		return "", err
	}
	kind := version.WithKind(asked.Type[at+1:])
	live, err := emptyOf(kind)
	if err != nil {
		return "", err
	}
	for _, one := range writes {
		types := applyconfigurations.NewTypeConverter(scheme.Scheme)
		manager, err := managedfields.NewDefaultFieldManager(types, scheme.Scheme, asSent{}, scheme.Scheme, kind, version, one.Subresource, nil)
		if err != nil {
			return "", err
		}
		done, err := one.done(manager, kind, live)
		if err != nil {
			return "", err
		}
		// As it is when it comes out of the store.
		if live, err = stored(done, kind); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(live)
	return string(text), err
}

func (one write) done(manager *managedfields.FieldManager, kind schema.GroupVersionKind, live runtime.Object) (runtime.Object, error) {
	if one.Applies {
		applied := &unstructured.Unstructured{}
		if err := json.Unmarshal(one.Object, &applied.Object); err != nil {
			return nil, err
		}
		return manager.Apply(live, applied, one.Manager, true)
	}
	sent, err := emptyOf(kind)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(one.Object, sent); err != nil {
		return nil, err
	}
	before, after := live.(metav1.Object), sent.(metav1.Object)
	after.SetManagedFields(before.GetManagedFields())
	after.SetCreationTimestamp(before.GetCreationTimestamp())
	return manager.Update(live, sent, one.Manager)
}

func emptyOf(kind schema.GroupVersionKind) (runtime.Object, error) {
	object, err := scheme.Scheme.New(kind)
	if err == nil {
		object.GetObjectKind().SetGroupVersionKind(kind)
	}
	return object, err
}

func stored(object runtime.Object, kind schema.GroupVersionKind) (runtime.Object, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	again, err := emptyOf(kind)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, again)
	again.GetObjectKind().SetGroupVersionKind(kind)
	again.(metav1.Object).SetCreationTimestamp(metav1.Unix(0, 0))
	return again, err
}
