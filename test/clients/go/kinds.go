package main

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

const operatedNamespace = "operated"

func pointer[T any](value T) *T { return &value }

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// services lack a method of their own for a collection in the generated clients; the API has it.
type services struct {
	typedcore.ServiceInterface
	client rest.Interface
	in     string
}

func (s services) DeleteCollection(ctx context.Context, options metav1.DeleteOptions, selected metav1.ListOptions) error {
	request := s.client.Delete().Namespace(s.in).Resource("services").Param("labelSelector", selected.LabelSelector)
	return request.Body(&options).Do(ctx).Error()
}

// operations tries the kinds that the texts on API operations and lifecycles are about with the typed clients, over protobuf.
func operations(ctx context.Context, config *rest.Config) error {
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	binary.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	binary.WarningHandler = rest.NoWarnings{}
	set, err := kubernetes.NewForConfig(binary)
	if err != nil {
		return err
	}
	if _, err = set.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: named(operatedNamespace)}, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, group := range []func(context.Context, *kubernetes.Clientset) error{operateCore, operateNetwork, operateNodes, operateStorage} {
		if err := group(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// try fills in what is alike for all kinds.
func try[T any, L any](ctx context.Context, k operated[T, L]) error {
	if k.everywhere == nil {
		k.everywhere = k.in
	}
	if k.names == nil {
		k.names = []string{"operated-1", "operated-2", "operated-3"}
	}
	if err := exercise(ctx, k); err != nil {
		return fmt.Errorf("%s of %s: %w", k.kind, k.apiVersion, err)
	}
	return nil
}

func firstError(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func operateCore(ctx context.Context, set *kubernetes.Clientset) error {
	core, in := set.CoreV1(), operatedNamespace
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}}
	return firstError(
		try(ctx, operated[corev1.ConfigMap, corev1.ConfigMapList]{apiVersion: "v1", kind: "ConfigMap", in: core.ConfigMaps(in), everywhere: core.ConfigMaps(""),
			make: func(name string) *corev1.ConfigMap {
				return &corev1.ConfigMap{ObjectMeta: named(name), Data: map[string]string{"a": "b"}}
			}}),
		try(ctx, operated[corev1.Secret, corev1.SecretList]{apiVersion: "v1", kind: "Secret", in: core.Secrets(in), everywhere: core.Secrets(""),
			make: func(name string) *corev1.Secret {
				return &corev1.Secret{ObjectMeta: named(name), Data: map[string][]byte{"a": []byte("b")}}
			}}),
		try(ctx, operated[corev1.PodTemplate, corev1.PodTemplateList]{apiVersion: "v1", kind: "PodTemplate", in: core.PodTemplates(in), everywhere: core.PodTemplates(""),
			make: func(name string) *corev1.PodTemplate {
				return &corev1.PodTemplate{ObjectMeta: named(name), Template: template}
			}}),
		try(ctx, operated[corev1.ServiceAccount, corev1.ServiceAccountList]{apiVersion: "v1", kind: "ServiceAccount", in: core.ServiceAccounts(in), everywhere: core.ServiceAccounts(""),
			make: func(name string) *corev1.ServiceAccount { return &corev1.ServiceAccount{ObjectMeta: named(name)} }}),
		try(ctx, operated[corev1.Event, corev1.EventList]{apiVersion: "v1", kind: "Event", in: core.Events(in), everywhere: core.Events(""),
			make: func(name string) *corev1.Event {
				return &corev1.Event{ObjectMeta: named(name), Reason: "Test", Type: "Normal", InvolvedObject: corev1.ObjectReference{Namespace: in}}
			}}),
		try(ctx, operated[eventsv1.Event, eventsv1.EventList]{apiVersion: "events.k8s.io/v1", kind: "Event", in: set.EventsV1().Events(in), everywhere: set.EventsV1().Events(""),
			make: func(name string) *eventsv1.Event {
				return &eventsv1.Event{ObjectMeta: named(name), EventTime: metav1.NowMicro(), Action: "Do", Reason: "Test", Type: "Normal",
					Regarding: corev1.ObjectReference{Namespace: in}, ReportingController: "example.com/go", ReportingInstance: "one"}
			}}),
		try(ctx, operated[coordinationv1.Lease, coordinationv1.LeaseList]{apiVersion: "coordination.k8s.io/v1", kind: "Lease",
			in: set.CoordinationV1().Leases(in), everywhere: set.CoordinationV1().Leases(""),
			make: func(name string) *coordinationv1.Lease {
				return &coordinationv1.Lease{ObjectMeta: named(name), Spec: coordinationv1.LeaseSpec{HolderIdentity: pointer("go"), RenewTime: pointer(metav1.NowMicro())}}
			}}),
	)
}

func operateNetwork(ctx context.Context, set *kubernetes.Clientset) error {
	core, networking, in := set.CoreV1(), set.NetworkingV1(), operatedNamespace
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
	return firstError(
		try(ctx, operated[corev1.Service, corev1.ServiceList]{apiVersion: "v1", kind: "Service",
			in: services{core.Services(in), core.RESTClient(), in}, everywhere: services{core.Services(""), core.RESTClient(), ""},
			make: func(name string) *corev1.Service {
				return &corev1.Service{ObjectMeta: named(name), Spec: corev1.ServiceSpec{Type: "LoadBalancer", Ports: []corev1.ServicePort{{Port: 80}}}}
			},
			status: `{"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.1"}]}}}`,
			change: func(object *corev1.Service) { object.Status.LoadBalancer.Ingress[0].IP = "203.0.113.2" },
			read:   func(object *corev1.Service) string { return object.Status.LoadBalancer.Ingress[0].IP }}),
		try(ctx, operated[corev1.Endpoints, corev1.EndpointsList]{apiVersion: "v1", kind: "Endpoints", in: core.Endpoints(in), everywhere: core.Endpoints(""),
			make: func(name string) *corev1.Endpoints {
				return &corev1.Endpoints{ObjectMeta: named(name), Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: "10.0.0.24"}}, Ports: []corev1.EndpointPort{{Port: 80}}}}}
			}}),
		try(ctx, operated[discoveryv1.EndpointSlice, discoveryv1.EndpointSliceList]{apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
			in: set.DiscoveryV1().EndpointSlices(in), everywhere: set.DiscoveryV1().EndpointSlices(""),
			make: func(name string) *discoveryv1.EndpointSlice {
				return &discoveryv1.EndpointSlice{ObjectMeta: named(name), AddressType: "IPv4", Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"1.2.3.4"}}}}
			}}),
		try(ctx, operated[networkingv1.Ingress, networkingv1.IngressList]{apiVersion: "networking.k8s.io/v1", kind: "Ingress", in: networking.Ingresses(in), everywhere: networking.Ingresses(""),
			make: func(name string) *networkingv1.Ingress {
				return &networkingv1.Ingress{ObjectMeta: named(name), Spec: networkingv1.IngressSpec{DefaultBackend: &backend}}
			},
			status: `{"status":{"loadBalancer":{"ingress":[{"ip":"169.1.1.1"}]}}}`,
			change: func(object *networkingv1.Ingress) { object.Status.LoadBalancer.Ingress[0].IP = "169.1.1.2" },
			read:   func(object *networkingv1.Ingress) string { return object.Status.LoadBalancer.Ingress[0].IP }}),
		try(ctx, operated[networkingv1.IngressClass, networkingv1.IngressClassList]{apiVersion: "networking.k8s.io/v1", kind: "IngressClass", in: networking.IngressClasses(),
			make: func(name string) *networkingv1.IngressClass {
				return &networkingv1.IngressClass{ObjectMeta: named(name), Spec: networkingv1.IngressClassSpec{Controller: "example.com/go"}}
			}}),
		try(ctx, operated[networkingv1.IPAddress, networkingv1.IPAddressList]{apiVersion: "networking.k8s.io/v1", kind: "IPAddress", in: networking.IPAddresses(),
			names: []string{"192.168.6.2", "192.168.6.3", "2001:db8::6"},
			make: func(name string) *networkingv1.IPAddress {
				return &networkingv1.IPAddress{ObjectMeta: named(name), Spec: networkingv1.IPAddressSpec{ParentRef: &networkingv1.ParentReference{Resource: "services", Name: "web", Namespace: in}}}
			}}),
	)
}

func operateNodes(ctx context.Context, set *kubernetes.Clientset) error {
	core, devices, in := set.CoreV1(), set.ResourceV1(), operatedNamespace
	claim := resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{{Name: "r", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "none"}}}}}
	return firstError(
		try(ctx, operated[corev1.Node, corev1.NodeList]{apiVersion: "v1", kind: "Node", in: core.Nodes(),
			make:   func(name string) *corev1.Node { return &corev1.Node{ObjectMeta: named(name)} },
			status: `{"status":{"capacity":{"example.com/dongle":"4"}}}`,
			change: func(object *corev1.Node) { object.Status.Capacity["example.com/dongle"] = resource.MustParse("5") },
			read: func(object *corev1.Node) string {
				return pointer(object.Status.Capacity["example.com/dongle"]).String()
			}}),
		try(ctx, operated[nodev1.RuntimeClass, nodev1.RuntimeClassList]{apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", in: set.NodeV1().RuntimeClasses(),
			make: func(name string) *nodev1.RuntimeClass {
				return &nodev1.RuntimeClass{ObjectMeta: named(name), Handler: "h"}
			}}),
		try(ctx, operated[resourcev1.DeviceClass, resourcev1.DeviceClassList]{apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", in: devices.DeviceClasses(),
			make: func(name string) *resourcev1.DeviceClass { return &resourcev1.DeviceClass{ObjectMeta: named(name)} }}),
		try(ctx, operated[resourcev1.ResourceClaim, resourcev1.ResourceClaimList]{apiVersion: "resource.k8s.io/v1", kind: "ResourceClaim", in: devices.ResourceClaims(in), everywhere: devices.ResourceClaims(""),
			make: func(name string) *resourcev1.ResourceClaim {
				return &resourcev1.ResourceClaim{ObjectMeta: named(name), Spec: claim}
			},
			status: `{"status":{"allocation":{"devices":{"results":[{"request":"r","driver":"driver.example.com","pool":"pool","device":"dev-0"}]}}}}`,
			change: func(object *resourcev1.ResourceClaim) {
				object.Status.Devices = []resourcev1.AllocatedDeviceStatus{{Driver: "driver.example.com", Pool: "pool", Device: "dev-0"}}
			},
			read: func(object *resourcev1.ResourceClaim) string { return object.Status.Devices[0].Device }}),
		try(ctx, operated[resourcev1.ResourceClaimTemplate, resourcev1.ResourceClaimTemplateList]{apiVersion: "resource.k8s.io/v1", kind: "ResourceClaimTemplate",
			in: devices.ResourceClaimTemplates(in), everywhere: devices.ResourceClaimTemplates(""),
			make: func(name string) *resourcev1.ResourceClaimTemplate {
				return &resourcev1.ResourceClaimTemplate{ObjectMeta: named(name), Spec: resourcev1.ResourceClaimTemplateSpec{Spec: claim}}
			}}),
		try(ctx, operated[resourcev1.ResourceSlice, resourcev1.ResourceSliceList]{apiVersion: "resource.k8s.io/v1", kind: "ResourceSlice", in: devices.ResourceSlices(),
			make: func(name string) *resourcev1.ResourceSlice {
				return &resourcev1.ResourceSlice{ObjectMeta: named(name), Spec: resourcev1.ResourceSliceSpec{NodeName: pointer("none"), Driver: "driver.example.com",
					Pool: resourcev1.ResourcePool{Name: "pool", Generation: 1, ResourceSliceCount: 1}, Devices: []resourcev1.Device{{Name: "dev-0"}}}}
			}}),
	)
}

func operateStorage(ctx context.Context, set *kubernetes.Clientset) error {
	core, storage, in := set.CoreV1(), set.StorageV1(), operatedNamespace
	size := corev1.ResourceList{"storage": resource.MustParse("1Gi")}
	modes := []corev1.PersistentVolumeAccessMode{"ReadWriteOnce"}
	return firstError(
		try(ctx, operated[corev1.PersistentVolume, corev1.PersistentVolumeList]{apiVersion: "v1", kind: "PersistentVolume", in: core.PersistentVolumes(),
			make: func(name string) *corev1.PersistentVolume {
				csi := corev1.CSIPersistentVolumeSource{Driver: "driver.example.com", VolumeHandle: name}
				return &corev1.PersistentVolume{ObjectMeta: named(name), Spec: corev1.PersistentVolumeSpec{StorageClassName: "go-volumes", AccessModes: modes, Capacity: size,
					PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &csi}}}
			},
			status: `{"status":{"message":"patched","reason":"Test"}}`,
			change: func(object *corev1.PersistentVolume) { object.Status.Message = "updated" },
			read:   func(object *corev1.PersistentVolume) string { return object.Status.Reason + object.Status.Message }}),
		try(ctx, operated[corev1.PersistentVolumeClaim, corev1.PersistentVolumeClaimList]{apiVersion: "v1", kind: "PersistentVolumeClaim",
			in: core.PersistentVolumeClaims(in), everywhere: core.PersistentVolumeClaims(""),
			make: func(name string) *corev1.PersistentVolumeClaim {
				return &corev1.PersistentVolumeClaim{ObjectMeta: named(name), Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: pointer("go-claims"), AccessModes: modes,
					Resources: corev1.VolumeResourceRequirements{Requests: size}}}
			},
			status: `{"status":{"conditions":[{"type":"Patched","status":"True"}]}}`,
			change: func(object *corev1.PersistentVolumeClaim) { object.Status.Conditions[0].Reason = "Updated" },
			read: func(object *corev1.PersistentVolumeClaim) string {
				return string(object.Status.Conditions[0].Type) + object.Status.Conditions[0].Reason
			}}),
		try(ctx, operated[storagev1.StorageClass, storagev1.StorageClassList]{apiVersion: "storage.k8s.io/v1", kind: "StorageClass", in: storage.StorageClasses(),
			make: func(name string) *storagev1.StorageClass {
				return &storagev1.StorageClass{ObjectMeta: named(name), Provisioner: "example.com/go"}
			}}),
		try(ctx, operated[storagev1.VolumeAttachment, storagev1.VolumeAttachmentList]{apiVersion: "storage.k8s.io/v1", kind: "VolumeAttachment", in: storage.VolumeAttachments(),
			make: func(name string) *storagev1.VolumeAttachment {
				source := storagev1.VolumeAttachmentSource{PersistentVolumeName: pointer("none")}
				return &storagev1.VolumeAttachment{ObjectMeta: named(name), Spec: storagev1.VolumeAttachmentSpec{Attacher: "example.com", NodeName: "none", Source: source}}
			},
			status: `{"status":{"attached":true}}`,
			change: func(object *storagev1.VolumeAttachment) { object.Status.Attached = false },
			read:   func(object *storagev1.VolumeAttachment) string { return fmt.Sprint(object.Status.Attached) }}),
		try(ctx, operated[storagev1.VolumeAttributesClass, storagev1.VolumeAttributesClassList]{apiVersion: "storage.k8s.io/v1", kind: "VolumeAttributesClass", in: storage.VolumeAttributesClasses(),
			make: func(name string) *storagev1.VolumeAttributesClass {
				return &storagev1.VolumeAttributesClass{ObjectMeta: named(name), DriverName: "driver.example.com", Parameters: map[string]string{"a": "b"}}
			}}),
		try(ctx, operated[storagev1.CSIDriver, storagev1.CSIDriverList]{apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", in: storage.CSIDrivers(),
			make: func(name string) *storagev1.CSIDriver { return &storagev1.CSIDriver{ObjectMeta: named(name)} }}),
		try(ctx, operated[storagev1.CSINode, storagev1.CSINodeList]{apiVersion: "storage.k8s.io/v1", kind: "CSINode", in: storage.CSINodes(),
			make: func(name string) *storagev1.CSINode {
				return &storagev1.CSINode{ObjectMeta: named(name), Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{}}}
			}}),
		try(ctx, operated[storagev1.CSIStorageCapacity, storagev1.CSIStorageCapacityList]{apiVersion: "storage.k8s.io/v1", kind: "CSIStorageCapacity",
			in: storage.CSIStorageCapacities(in), everywhere: storage.CSIStorageCapacities(""),
			make: func(name string) *storagev1.CSIStorageCapacity {
				return &storagev1.CSIStorageCapacity{ObjectMeta: named(name), StorageClassName: "go", Capacity: pointer(size["storage"])}
			}}),
	)
}
