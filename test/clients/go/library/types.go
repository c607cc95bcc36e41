package main

import (
	"encoding/json"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// typeNames gives what Go calls the type of each field that has a name of its own, by definition and field. The name of a struct that is
// embedded comes before its fields' own, and a slash.
func typeNames(question) []answer {
	found, seen := map[string]map[string]string{}, map[reflect.Type]bool{}
	for kind, of := range scheme.Scheme.AllKnownTypes() {
		if kind.Version != "__internal" {
			noteTypes(of, found, seen)
		}
	}
	noteTypes(reflect.TypeOf(apiextensionsv1.CustomResourceDefinition{}), found, seen)
	text, err := json.Marshal(found)
	return textOr(string(text), err)
}

func noteTypes(of reflect.Type, found map[string]map[string]string, seen map[reflect.Type]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		noteTypes(of.Elem(), found, seen)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[of] {
		return
	}
	seen[of] = true
	noteFields(of, definitionOf(of), "", found, seen)
}

func noteFields(of reflect.Type, definition, embedded string, found map[string]map[string]string, seen map[reflect.Type]bool) {
	for i := range of.NumField() {
		one := of.Field(i)
		tag, _, _ := strings.Cut(one.Tag.Get("json"), ",")
		held := one.Type
		if held.Kind() == reflect.Pointer {
			held = held.Elem()
		}
		if one.Anonymous && tag == "" && held.Kind() == reflect.Struct {
			noteFields(held, definition, held.Name()+"/", found, seen)
			continue
		}
		if tag == "" || tag == "-" {
			continue
		}
		told := embedded
		if isNamed(held) {
			told += held.String()
		}
		if told != "" && told != "TypeMeta/" {
			if found[definition] == nil {
				found[definition] = map[string]string{}
			}
			found[definition][tag] = told
		}
		noteTypes(held, found, seen)
	}
}

// isNamed tells what has a name that its form does not say: scalars, lists and maps, and lists of those.
func isNamed(of reflect.Type) bool {
	switch of.Kind() {
	case reflect.Struct, reflect.Interface:
		return false
	case reflect.Slice:
		return of.Name() != "" || isNamed(of.Elem())
	case reflect.Map:
		return of.Name() != "" || of.Key().PkgPath() != "" || isNamed(of.Elem())
	}
	return of.PkgPath() != ""
}

func definitionOf(of reflect.Type) string {
	host, rest, _ := strings.Cut(of.PkgPath(), "/")
	labels := strings.Split(host, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(rest, "/", ".") + "." + of.Name()
}
