package main

import (
	"encoding/json"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// zeros gives what is written of each of the API's structs where nothing is set, by the name of its definition.
func zeros(question) []answer {
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(types); err != nil {
			return []answer{{Error: err.Error()}}
		}
	}
	written := map[string]json.RawMessage{}
	for _, known := range types.AllKnownTypes() {
		collectZeros(known, written)
	}
	text, err := json.Marshal(written)
	return textOr(string(text), err)
}

func collectZeros(of reflect.Type, written map[string]json.RawMessage) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collectZeros(of.Elem(), written)
		return
	case reflect.Struct:
	default:
		return
	}
	name := definitionOf(of)
	if _, isKnown := written[name]; isKnown || !strings.HasPrefix(of.PkgPath(), "k8s.io/") {
		return
	}
	text, err := json.Marshal(reflect.New(of).Interface())
	if err != nil {
		// What only stands for something else, and is never written empty.
		text = []byte("null")
	}
	written[name] = text
	for i := range of.NumField() {
		collectZeros(of.Field(i).Type, written)
	}
}
