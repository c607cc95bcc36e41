package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"
)

// typed is what the generated clients of all kinds have.
type typed[T any, L any] interface {
	Create(context.Context, *T, metav1.CreateOptions) (*T, error)
	Update(context.Context, *T, metav1.UpdateOptions) (*T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	DeleteCollection(context.Context, metav1.DeleteOptions, metav1.ListOptions) error
	Get(context.Context, string, metav1.GetOptions) (*T, error)
	List(context.Context, metav1.ListOptions) (*L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*T, error)
}

type withStatus[T any] interface {
	UpdateStatus(context.Context, *T, metav1.UpdateOptions) (*T, error)
}

// operated is a kind whose operations are tried: its client, in a namespace and in all, and how an object of a name is made.
type operated[T any, L any] struct {
	apiVersion, kind string
	in, everywhere   typed[T, L]
	make             func(name string) *T
	names            []string
	// status, if it has one: a merge patch of it, and a change that Update makes, with what is to be read of it then.
	status string
	change func(*T)
	read   func(*T) string
}

func metaOf(object any) metav1.Object {
	accessor, err := meta.Accessor(object)
	if err != nil {
		panic(err)
	}
	return accessor
}

func count(list any) int { return meta.LenList(list.(runtime.Object)) }

// exercise does with a kind what the texts on API operations and lifecycles ask, and gives the first thing that went otherwise.
func exercise[T any, L any](ctx context.Context, k operated[T, L]) error {
	selected := metav1.ListOptions{LabelSelector: "operated=" + k.kind}
	before, err := k.everywhere.List(ctx, selected)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	since := selected
	since.ResourceVersion = any(before).(metav1.ListInterface).GetResourceVersion()
	watcher, err := k.everywhere.Watch(ctx, since)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer watcher.Stop()
	if err := k.created(ctx, watcher, selected); err != nil {
		return err
	}
	if err := k.patched(ctx, watcher); err != nil {
		return err
	}
	if err := k.updated(ctx, watcher); err != nil {
		return err
	}
	if k.status != "" {
		if err := k.statusWritten(ctx, watcher); err != nil {
			return err
		}
	}
	return k.deleted(ctx, watcher, selected)
}

// until awaits an event about an object that is as wanted.
func until(watcher watch.Interface, what watch.EventType, name string, holds func(metav1.Object) bool) error {
	deadline := time.After(20 * time.Second)
	for {
		select {
		case event, open := <-watcher.ResultChan():
			if !open || event.Type == watch.Error {
				return fmt.Errorf("the watch ended before %s %s: %v", what, name, event.Object)
			}
			object := metaOf(event.Object)
			if event.Type == what && object.GetName() == name && (holds == nil || holds(object)) {
				return nil
			}
		case <-deadline:
			return fmt.Errorf("the watch did not tell %s %s", what, name)
		}
	}
}

func annotated(key string) func(metav1.Object) bool {
	return func(object metav1.Object) bool { return object.GetAnnotations()[key] == "yes" }
}

func (k operated[T, L]) created(ctx context.Context, watcher watch.Interface, selected metav1.ListOptions) error {
	for _, name := range k.names {
		object := k.make(name)
		metaOf(object).SetLabels(map[string]string{"operated": k.kind})
		if _, err := k.in.Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			return fmt.Errorf("create %s, dry: %w", name, err)
		}
		made, err := k.in.Create(ctx, object, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if _, err = k.in.Create(ctx, object, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create %s again: %v", name, err)
		}
		got, err := k.in.Get(ctx, name, metav1.GetOptions{})
		if err != nil || metaOf(got).GetUID() != metaOf(made).GetUID() {
			return fmt.Errorf("get %s: %w", name, err)
		}
		if err := until(watcher, watch.Added, name, nil); err != nil {
			return err
		}
	}
	for _, client := range []typed[T, L]{k.in, k.everywhere} {
		if list, err := client.List(ctx, selected); err != nil || count(list) != len(k.names) {
			return fmt.Errorf("list: %d, %w", count(list), err)
		}
	}
	return nil
}

func (k operated[T, L]) patched(ctx context.Context, watcher watch.Interface) error {
	name, force := k.names[0], true
	whole := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"annotations":{"applied":"yes"}}}`, k.apiVersion, k.kind, name)
	patches := []struct {
		key, body string
		patchType types.PatchType
		options   metav1.PatchOptions
	}{
		{"merged", `{"metadata":{"annotations":{"merged":"yes"}}}`, types.MergePatchType, metav1.PatchOptions{}},
		{"strategic", `{"metadata":{"annotations":{"strategic":"yes"}}}`, types.StrategicMergePatchType, metav1.PatchOptions{}},
		{"json", `[{"op":"add","path":"/metadata/annotations/json","value":"yes"}]`, types.JSONPatchType, metav1.PatchOptions{}},
		{"applied", whole, types.ApplyPatchType, metav1.PatchOptions{FieldManager: "go", Force: &force}},
	}
	for _, p := range patches {
		object, err := k.in.Patch(ctx, name, p.patchType, []byte(p.body), p.options)
		if err != nil || !annotated(p.key)(metaOf(object)) {
			return fmt.Errorf("patch, %s: %w", p.key, err)
		}
		if err := until(watcher, watch.Modified, name, annotated(p.key)); err != nil {
			return err
		}
	}
	return nil
}

func (k operated[T, L]) updated(ctx context.Context, watcher watch.Interface) error {
	name := k.names[0]
	stale, err := k.in.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	update := func(object *T) error {
		annotations := metaOf(object).GetAnnotations()
		annotations["updated"] = "yes"
		metaOf(object).SetAnnotations(annotations)
		_, err := k.in.Update(ctx, object, metav1.UpdateOptions{})
		return err
	}
	if _, err = k.in.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"annotations":{"later":"yes"}}}`), metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	if err := update(stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("an update that comes late: %v", err)
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := k.in.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return update(object)
	})
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return until(watcher, watch.Modified, name, annotated("updated"))
}

func (k operated[T, L]) statusWritten(ctx context.Context, watcher watch.Interface) error {
	name := k.names[0]
	if _, err := k.in.Patch(ctx, name, types.MergePatchType, []byte(k.status), metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("patch of the status: %w", err)
	}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := k.in.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		k.change(object)
		wanted := k.read(object)
		object, err = k.in.(withStatus[T]).UpdateStatus(ctx, object, metav1.UpdateOptions{})
		if err == nil && k.read(object) != wanted {
			err = fmt.Errorf("it is %s instead of %s", k.read(object), wanted)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("update of the status: %w", err)
	}
	return nil
}

func (k operated[T, L]) deleted(ctx context.Context, watcher watch.Interface, selected metav1.ListOptions) error {
	name, other, now := k.names[0], types.UID("other"), int64(0)
	err := k.in.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})
	if !apierrors.IsConflict(err) {
		return fmt.Errorf("delete of another object: %v", err)
	}
	if err := k.in.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := until(watcher, watch.Deleted, name, nil); err != nil {
		return err
	}
	if _, err := k.in.Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("get of what is deleted: %v", err)
	}
	if err := k.in.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, selected); err != nil {
		return fmt.Errorf("deletecollection: %w", err)
	}
	for _, name := range k.names[1:] {
		if err := until(watcher, watch.Deleted, name, nil); err != nil {
			return err
		}
	}
	if list, err := k.everywhere.List(ctx, selected); err != nil || count(list) != 0 {
		return fmt.Errorf("list at the end: %d, %w", count(list), err)
	}
	return nil
}
