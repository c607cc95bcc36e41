package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/go-logr/logr"
)

var operatorSteps = []step{
	{"an operator makes a Deployment of each Widget, over JSON", func(ctx context.Context, c *rest.Config) error {
		return operate(ctx, c, "json", "application/json")
	}},
	{"and over protobuf", func(ctx context.Context, c *rest.Config) error {
		return operate(ctx, c, "protobuf", "application/vnd.kubernetes.protobuf")
	}},
}

var widgetKind = schema.GroupVersionKind{Group: "go.example.com", Version: "v1", Kind: "Widget"}

const finalizer = "go.example.com/operator"

func newWidget() *unstructured.Unstructured {
	widget := &unstructured.Unstructured{}
	widget.SetGroupVersionKind(widgetKind)
	return widget
}

// reconciler keeps a Deployment of the widget's size, tells its ready replicas in the widget's status, and holds the widget by a finalizer.
type reconciler struct {
	client.Client
	prefix string
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	widget := newWidget()
	if err := r.Get(ctx, request.NamespacedName, widget); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if widget.GetName() != r.prefix {
		return ctrl.Result{}, nil
	}
	if !widget.GetDeletionTimestamp().IsZero() {
		if controllerutil.RemoveFinalizer(widget, finalizer) {
			return ctrl.Result{}, r.Update(ctx, widget)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(widget, finalizer) {
		if err := r.Update(ctx, widget); err != nil {
			return ctrl.Result{}, err
		}
	}
	size, _, err := unstructured.NestedInt64(widget.Object, "spec", "size")
	if err != nil {
		return ctrl.Result{}, err
	}
	replicas := int32(size)
	labels := map[string]string{"widget": widget.GetName()}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "widget-" + widget.GetName(), Namespace: widget.GetNamespace()}}
	_, err = controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		deployment.Spec.Replicas = &replicas
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		if len(deployment.Spec.Template.Spec.Containers) == 0 {
			deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "web:1"}}
		}
		return controllerutil.SetControllerReference(widget, deployment, r.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	before := widget.DeepCopy()
	if err = unstructured.SetNestedField(widget.Object, int64(deployment.Status.ReadyReplicas), "status", "ready"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.Status().Patch(ctx, widget, client.MergeFrom(before))
}

func operate(ctx context.Context, base *rest.Config, name, contentType string) error {
	log.SetLogger(logr.Discard())
	c := rest.CopyConfig(base)
	c.ContentType = contentType
	if contentType != "application/json" {
		c.AcceptContentTypes = contentType + ",application/json"
	}
	again := true
	mgr, err := ctrl.NewManager(c, manager.Options{
		Metrics:                 server.Options{BindAddress: "0"},
		LeaderElection:          true,
		LeaderElectionID:        "operator-" + name,
		LeaderElectionNamespace: namespace,
		Controller:              config.Controller{SkipNameValidation: &again},
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).For(newWidget()).Owns(&appsv1.Deployment{}).Complete(&reconciler{mgr.GetClient(), name})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(running) }()
	widget := newWidget()
	widget.SetName(name)
	widget.SetNamespace(namespace)
	widget.Object["spec"] = map[string]any{"size": int64(2)}
	direct, err := client.New(c, client.Options{})
	if err != nil {
		return err
	}
	if err = direct.Create(ctx, widget); err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(widget)
	ready := func(wanted int64) error {
		return eventually(ctx, fmt.Sprintf("%d ready", wanted), func() (bool, error) {
			if err := direct.Get(ctx, key, widget); err != nil {
				return false, err
			}
			count, _, err := unstructured.NestedInt64(widget.Object, "status", "ready")
			return count == wanted, err
		})
	}
	if err = ready(2); err != nil {
		return err
	}
	if err = direct.Patch(ctx, widget, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"size":3}}`))); err != nil {
		return err
	}
	if err = ready(3); err != nil {
		return err
	}
	if err = direct.Delete(ctx, widget); err != nil {
		return err
	}
	err = eventually(ctx, "the widget and its Deployment gone", func() (bool, error) {
		gone := apierrors.IsNotFound(direct.Get(ctx, key, newWidget()))
		deployment := client.ObjectKey{Namespace: namespace, Name: "widget-" + name}
		return gone && apierrors.IsNotFound(direct.Get(ctx, deployment, &appsv1.Deployment{})), nil
	})
	cancel()
	if stopped := <-ended; err == nil && stopped != nil {
		err = stopped
	}
	return err
}
