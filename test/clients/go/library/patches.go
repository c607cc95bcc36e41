package main

import (
	"encoding/json"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

var structs = map[string]func() any{
	"Pod":            func() any { return &corev1.Pod{} },
	"Deployment":     func() any { return &appsv1.Deployment{} },
	"Service":        func() any { return &corev1.Service{} },
	"Node":           func() any { return &corev1.Node{} },
	"ServiceAccount": func() any { return &corev1.ServiceAccount{} },
	"ConfigMap":      func() any { return &corev1.ConfigMap{} },
}

func strategic(asked question) []answer {
	var original, patch map[string]any
	if err := utiljson.Unmarshal([]byte(asked.A), &original); err != nil {
		return []answer{{Error: "original: " + err.Error()}}
	}
	if err := utiljson.Unmarshal([]byte(asked.B), &patch); err != nil {
		return []answer{{Error: err.Error(), Code: http.StatusBadRequest}}
	}
	patched, err := strategicpatch.StrategicMergeMapPatch(original, patch, structs[asked.Type]())
	if err != nil {
		return []answer{{Error: err.Error(), Code: codeOf(err)}}
	}
	text, err := json.Marshal(patched)
	return textOr(string(text), err)
}

// codeOf is what the server answers for a fault: it knows these, and no others.
func codeOf(err error) int {
	switch err {
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return http.StatusBadRequest
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

func jsonPatch(asked question) []answer {
	patch, err := jsonpatch.DecodePatch([]byte(asked.B))
	if err != nil {
		return []answer{{Error: err.Error(), Code: http.StatusBadRequest}}
	}
	patched, err := patch.Apply([]byte(asked.A))
	if err != nil {
		return []answer{{Error: err.Error(), Code: http.StatusUnprocessableEntity}}
	}
	return []answer{{Text: string(patched)}}
}

func mergePatch(asked question) []answer {
	patched, err := jsonpatch.MergePatch([]byte(asked.A), []byte(asked.B))
	return textOr(string(patched), err)
}
