package main

import (
	"context"
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
)

type workload struct {
	resource schema.GroupVersionResource
	kind     string
	hasScale bool
	spec     map[string]any
}

var workloads = []workload{
	{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, "Deployment", true, map[string]any{"replicas": int64(1)}},
	{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}, "ReplicaSet", true, map[string]any{"replicas": int64(1)}},
	{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}, "StatefulSet", true, map[string]any{"replicas": int64(1), "serviceName": "s"}},
	{schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}, "DaemonSet", false, map[string]any{}},
	{schema.GroupVersionResource{Version: "v1", Resource: "replicationcontrollers"}, "ReplicationController", true, map[string]any{"replicas": int64(1)}},
}

// workloadsFollowed reads, updates and patches status and scale of every workload; each write is told to a watch that was opened before.
func workloadsFollowed(ctx context.Context, config *rest.Config) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(set.Discovery()))
	scales, err := scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(set.Discovery()))
	if err != nil {
		return err
	}
	for _, w := range workloads {
		if err = followed(ctx, client.Resource(w.resource).Namespace(namespace), scales.Scales(namespace), w); err != nil {
			return fmt.Errorf("%s: %w", w.kind, err)
		}
	}
	return nil
}

func (w workload) object() *unstructured.Unstructured {
	labels := map[string]any{"followed": w.resource.Resource}
	spec := map[string]any{"selector": map[string]any{"matchLabels": labels}}
	if w.resource.Group == "" {
		spec["selector"] = labels
	}
	for field, value := range w.spec {
		spec[field] = value
	}
	spec["template"] = map[string]any{
		"metadata": map[string]any{"labels": labels},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "web:1"}}},
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": w.resource.GroupVersion().String(), "kind": w.kind,
		"metadata": map[string]any{"name": "followed", "labels": labels}, "spec": spec,
	}}
}

func followed(ctx context.Context, objects dynamic.ResourceInterface, scales scale.ScaleInterface, w workload) error {
	selected := metav1.ListOptions{LabelSelector: "followed=" + w.resource.Resource}
	before, err := objects.List(ctx, selected)
	if err != nil {
		return err
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, before.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selected.LabelSelector
			return objects.Watch(ctx, options)
		},
	})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	if _, err = objects.Create(ctx, w.object(), metav1.CreateOptions{}); err != nil {
		return err
	}
	if err = told(ctx, watcher, watch.Added, func(*unstructured.Unstructured) bool { return true }); err != nil {
		return err
	}
	if err = told(ctx, watcher, watch.Modified, isReady); err != nil {
		return fmt.Errorf("it is not ready: %w", err)
	}
	if err = statusFollowed(ctx, objects, watcher); err != nil {
		return err
	}
	if w.hasScale {
		if err = scaleFollowed(ctx, scales, watcher, w.resource); err != nil {
			return err
		}
	}
	if err = objects.DeleteCollection(ctx, metav1.DeleteOptions{}, selected); err != nil {
		return err
	}
	return told(ctx, watcher, watch.Deleted, func(*unstructured.Unstructured) bool { return true })
}

func isReady(object *unstructured.Unstructured) bool {
	replicas, isCounted, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	ready, _, _ := unstructured.NestedInt64(object.Object, "status", "readyReplicas")
	if !isCounted {
		replicas, _, _ = unstructured.NestedInt64(object.Object, "status", "desiredNumberScheduled")
		ready, _, _ = unstructured.NestedInt64(object.Object, "status", "numberReady")
	}
	return replicas > 0 && ready == replicas
}

func hasCondition(name string) func(*unstructured.Unstructured) bool {
	return func(object *unstructured.Unstructured) bool {
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		for _, condition := range conditions {
			if condition.(map[string]any)["type"] == name {
				return true
			}
		}
		return false
	}
}

// told reads on to an event that is so.
func told(ctx context.Context, watcher watch.Interface, kind watch.EventType, holds func(*unstructured.Unstructured) bool) error {
	limit := time.After(20 * time.Second)
	for {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return fmt.Errorf("the watch ended before %s", kind)
			}
			if object, ok := event.Object.(*unstructured.Unstructured); ok && event.Type == kind && holds(object) {
				return nil
			}
		case <-limit:
			return fmt.Errorf("no %s as wanted was told", kind)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func statusFollowed(ctx context.Context, objects dynamic.ResourceInterface, watcher watch.Interface) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := objects.Get(ctx, "followed", metav1.GetOptions{}, "status")
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		conditions = append(conditions, map[string]any{"type": "Updated", "status": "True", "reason": "Test", "message": "by a test"})
		if err = unstructured.SetNestedSlice(object.Object, conditions, "status", "conditions"); err != nil {
			return err
		}
		_, err = objects.UpdateStatus(ctx, object, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("update of the status: %w", err)
	}
	if err = told(ctx, watcher, watch.Modified, hasCondition("Updated")); err != nil {
		return err
	}
	body := []byte(`{"status":{"conditions":[{"type":"Patched","status":"True"}]}}`)
	patched, err := objects.Patch(ctx, "followed", types.MergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil || !hasCondition("Patched")(patched) {
		return fmt.Errorf("patch of the status: %w", err)
	}
	return told(ctx, watcher, watch.Modified, hasCondition("Patched"))
}

func scaleFollowed(ctx context.Context, scales scale.ScaleInterface, watcher watch.Interface, resource schema.GroupVersionResource) error {
	current, err := scales.Get(ctx, resource.GroupResource(), "followed", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if current.Spec.Replicas != 1 || current.Status.Replicas != 1 || current.Status.Selector == "" {
		return fmt.Errorf("the scale is %+v %+v", current.Spec, current.Status)
	}
	// Whatever the controller wrote since.
	current.ResourceVersion = ""
	current.Spec = autoscalingv1.ScaleSpec{Replicas: 2}
	if updated, err := scales.Update(ctx, resource.GroupResource(), current, metav1.UpdateOptions{}); err != nil || updated.Spec.Replicas != 2 {
		return fmt.Errorf("update of the scale: %w", err)
	}
	isScaled := func(wanted int64) func(*unstructured.Unstructured) bool {
		return func(object *unstructured.Unstructured) bool {
			replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
			return replicas == wanted && isReady(object)
		}
	}
	if err = told(ctx, watcher, watch.Modified, isScaled(2)); err != nil {
		return err
	}
	body := []byte(`{"spec":{"replicas":3}}`)
	if patched, err := scales.Patch(ctx, resource, "followed", types.MergePatchType, body, metav1.PatchOptions{}); err != nil || patched.Spec.Replicas != 3 {
		return fmt.Errorf("patch of the scale: %w", err)
	}
	return told(ctx, watcher, watch.Modified, isScaled(3))
}
