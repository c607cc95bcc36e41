package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
)

const namespace = "go-client"

var clientSteps = []step{
	{"typed objects are created, read, listed in pages, watched, patched and deleted", typedObjects},
	{"protobuf carries the same objects", overProtobuf},
	{"server-side apply with typed configurations, and its conflict", applied},
	{"an update that comes late is retried on conflict", retried},
	{"discovery, the RESTMapper and the dynamic client", dynamically},
	{"random applies and updates give everybody the fields that upstream's library gives them", appliesAsTheLibrary},
	{"aggregated discovery tells built-in kinds and custom ones", discovered},
	{"every OpenAPI document says in protobuf what upstream's server makes of its JSON", described},
	{"informers on versions that a webhook converts see what their field selectors say", selectedByFields},
	{"status and scale of every workload, each write told to a watch that was opened before", workloadsFollowed},
	{"the kinds of the API do what their operations are to do, each change told by a watch", operations},
	{"one of two candidates leads, and the other follows it", elected},
}

func typedObjects(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err = set.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	maps := set.CoreV1().ConfigMaps(namespace)
	watcher, err := maps.Watch(ctx, metav1.ListOptions{LabelSelector: "from=go"})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for i := range 5 {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%d", i), Labels: map[string]string{"from": "go"}}}
		if _, err = maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if _, err = maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c0"}}, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create: %v", err)
	}
	names, token := []string{}, ""
	for {
		page, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "from=go", Limit: 2, Continue: token})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		if token = page.Continue; token == "" {
			break
		}
	}
	if len(names) != 5 {
		return fmt.Errorf("pages gave %v", names)
	}
	if _, err = maps.Patch(ctx, "c0", types.StrategicMergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err = maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "from=go"}); err != nil {
		return err
	}
	counts := map[watch.EventType]int{}
	for counts[watch.Deleted] < 5 {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return fmt.Errorf("the watch ended after %v", counts)
			}
			counts[event.Type]++
		case <-time.After(10 * time.Second):
			return fmt.Errorf("the watch told only %v", counts)
		}
	}
	if counts[watch.Added] != 5 || counts[watch.Modified] != 1 {
		return fmt.Errorf("the watch told %v", counts)
	}
	_, err = maps.Get(ctx, "c0", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("a deleted object: %v", err)
	}
	return nil
}

func overProtobuf(ctx context.Context, config *rest.Config) error {
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	binary.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	set, err := kubernetes.NewForConfig(binary)
	if err != nil {
		return err
	}
	replicas := int32(2)
	labels := map[string]string{"app": "binary"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "binary"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	if _, err = set.AppsV1().Deployments(namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "two pods that run", func() (bool, error) {
		pods, err := set.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=binary", FieldSelector: "status.phase=Running"})
		return err == nil && len(pods.Items) == 2, err
	})
}

func applied(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	deployments := set.AppsV1().Deployments(namespace)
	labels := map[string]string{"app": "applied"}
	wanted := func(image string) *appsapply.DeploymentApplyConfiguration {
		return appsapply.Deployment("applied", namespace).WithSpec(appsapply.DeploymentSpec().
			WithReplicas(1).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(labels)).
			WithTemplate(coreapply.PodTemplateSpec().WithLabels(labels).
				WithSpec(coreapply.PodSpec().WithContainers(coreapply.Container().WithName("web").WithImage(image)))))
	}
	if _, err = deployments.Apply(ctx, wanted("web:1"), metav1.ApplyOptions{FieldManager: "first"}); err != nil {
		return err
	}
	if _, err = deployments.Apply(ctx, wanted("web:2"), metav1.ApplyOptions{FieldManager: "second"}); !apierrors.IsConflict(err) {
		return fmt.Errorf("another manager's apply: %v", err)
	}
	got, err := deployments.Apply(ctx, wanted("web:2"), metav1.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return err
	}
	if image := got.Spec.Template.Spec.Containers[0].Image; image != "web:2" {
		return fmt.Errorf("the image is %s", image)
	}
	return nil
}

func retried(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := set.CoreV1().ConfigMaps(namespace)
	stale, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "counted"}, Data: map[string]string{}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	first, attempts := stale.DeepCopy(), 0
	first.Data = map[string]string{"first": "yes"}
	if _, err = maps.Update(ctx, first, metav1.UpdateOptions{}); err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		attempts++
		if attempts > 1 {
			if stale, err = maps.Get(ctx, "counted", metav1.GetOptions{}); err != nil {
				return err
			}
		}
		if stale.Data == nil {
			stale.Data = map[string]string{}
		}
		stale.Data["second"] = "yes"
		_, err = maps.Update(ctx, stale, metav1.UpdateOptions{})
		return err
	})
	if err == nil && attempts != 2 {
		err = fmt.Errorf("%d attempts", attempts)
	}
	return err
}

func dynamically(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": "widgets.go.example.com"},
		"spec": map[string]any{
			"group": "go.example.com",
			"scope": "Namespaced",
			"names": map[string]any{"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true,
				}},
			}},
		},
	}}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err = definitions.Create(ctx, definition, metav1.CreateOptions{}); err != nil {
		return err
	}
	cached := memory.NewMemCacheClient(set.Discovery())
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	var mapped schema.GroupVersionResource
	err = eventually(ctx, "the mapping of a custom kind", func() (bool, error) {
		mapper.Reset()
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "go.example.com", Kind: "Widget"})
		if err == nil {
			mapped = mapping.Resource
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if resource, err := mapper.ResourceFor(schema.GroupVersionResource{Resource: "deploy"}); err == nil {
		return fmt.Errorf("a short name is no resource, and yet it is %v", resource)
	}
	widgets := client.Resource(mapped).Namespace(namespace)
	widget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "go.example.com/v1", "kind": "Widget",
		"metadata": map[string]any{"name": "w"}, "spec": map[string]any{"size": int64(3)},
	}}
	if _, err = widgets.Create(ctx, widget, metav1.CreateOptions{}); err != nil {
		return err
	}
	got, err := widgets.Get(ctx, "w", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if size, _, _ := unstructured.NestedInt64(got.Object, "spec", "size"); size != 3 {
		return fmt.Errorf("the size is %d", size)
	}
	groups, resources, err := set.Discovery().ServerGroupsAndResources()
	if err != nil || len(groups) < 15 || len(resources) < 15 {
		return fmt.Errorf("%d groups, %d lists: %w", len(groups), len(resources), err)
	}
	_, err = set.Discovery().OpenAPIV3().Paths()
	return err
}

func elected(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	electing, cancel := context.WithCancel(ctx)
	defer cancel()
	var leaders atomic.Int32
	candidate := func(ctx context.Context, name string, leading chan<- string) {
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: "lead", Namespace: namespace},
			Client:     set.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		}
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true, LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leaders.Add(1); leading <- name },
				OnStoppedLeading: func() {},
			},
		})
	}
	leading := make(chan string, 2)
	first, stopFirst := context.WithCancel(electing)
	go candidate(first, "a", leading)
	if name := <-leading; name != "a" {
		stopFirst()
		return fmt.Errorf("%s leads", name)
	}
	go candidate(electing, "b", leading)
	time.Sleep(500 * time.Millisecond)
	if leaders.Load() != 1 {
		stopFirst()
		return fmt.Errorf("two lead")
	}
	stopFirst()
	select {
	case name := <-leading:
		if name != "b" {
			return fmt.Errorf("%s leads again", name)
		}
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("nobody follows")
	}
}

func informerSurvivesRestart(ctx context.Context, config *rest.Config) error {
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var added, deleted, resynced atomic.Int32
	factory := informers.NewSharedInformerFactoryWithOptions(set, time.Second, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { added.Add(1) },
		UpdateFunc: func(old, current any) {
			if old.(*corev1.ConfigMap).ResourceVersion == current.(*corev1.ConfigMap).ResourceVersion {
				resynced.Add(1)
			}
		},
		DeleteFunc: func(any) { deleted.Add(1) },
	})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	factory.Start(stop)
	// The cache is filled before the handler has heard of all that is in it.
	cache.WaitForCacheSync(stop, registration.HasSynced)
	before := int(added.Load())
	if before != len(informer.GetStore().List()) || before == 0 {
		return fmt.Errorf("%d added, %d kept", before, len(informer.GetStore().List()))
	}
	if err = eventually(ctx, "a resync", func() (bool, error) { return resynced.Load() > 0, nil }); err != nil {
		return err
	}
	if err = awaitRestart(); err != nil {
		return err
	}
	maps := set.CoreV1().ConfigMaps(namespace)
	err = eventually(ctx, "a write after the restart", func() (bool, error) {
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "after"}}, metav1.CreateOptions{})
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if err = eventually(ctx, "its event", func() (bool, error) { return int(added.Load()) == before+1, nil }); err != nil {
		return err
	}
	if err = maps.Delete(ctx, "after", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err = eventually(ctx, "its end", func() (bool, error) { return deleted.Load() == 1, nil }); err != nil {
		return err
	}
	if int(added.Load()) != before+1 {
		return fmt.Errorf("objects were told again: %d after %d", added.Load(), before)
	}
	return nil
}
