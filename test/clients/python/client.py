"""The stock Python client against a running server: each step works as it does against any Kubernetes, or the program ends."""

import logging
import os
import sys
import threading
import time
import uuid

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.informer import SharedInformer
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock

# A client that comes back tells each failed attempt.
logging.disable(logging.CRITICAL)
NAMESPACE = "python-client"


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def eventually(what, holds):
    end = time.monotonic() + 20
    while True:
        try:
            if holds():
                return
        except Exception as error:  # noqa: BLE001 - a server that restarts refuses in many ways
            what = f"{what}: {error}"
        check(time.monotonic() < end, what)
        time.sleep(0.05)


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"from": "python"}), data=data)


def typed_objects():
    core = client.CoreV1Api()
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    for i in range(5):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"c{i}", a="b"))
    try:
        core.create_namespaced_config_map(NAMESPACE, config_map("c0"))
        check(False, "a second create passed")
    except ApiException as error:
        check(error.status == 409, error)
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="from=python", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    check(names == [f"c{i}" for i in range(5)], names)
    patched = core.patch_namespaced_config_map("c0", NAMESPACE, {"data": {"x": "y"}})
    check(patched.data == {"a": "b", "x": "y"}, patched.data)
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="from=python")
    check(not core.list_namespaced_config_map(NAMESPACE, label_selector="from=python").items, "objects are left")


def watched():
    core = client.CoreV1Api()
    seen = []
    started = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("watched", a="1"))
    core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("watched", NAMESPACE)
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=started, timeout_seconds=10):
        seen.append(event["type"])
        if event["type"] == "DELETED":
            stream.stop()
    check(seen == ["ADDED", "MODIFIED", "DELETED"], seen)


def from_yaml():
    api = client.ApiClient()
    container = {"name": "web", "image": "web:1"}
    template = {"metadata": {"labels": {"app": "yaml"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "yaml"}}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "yaml", "namespace": NAMESPACE}, "spec": spec}
    utils.create_from_dict(api, deployment)
    apps = client.AppsV1Api()
    eventually("a ready Deployment", lambda: apps.read_namespaced_deployment("yaml", NAMESPACE).status.ready_replicas == 1)
    apps.patch_namespaced_deployment_scale("yaml", NAMESPACE, {"spec": {"replicas": 2}})
    eventually("two pods", lambda: apps.read_namespaced_deployment("yaml", NAMESPACE).status.ready_replicas == 2)


def retried():
    core = client.CoreV1Api()
    stale = core.create_namespaced_config_map(NAMESPACE, config_map("counted"))
    core.patch_namespaced_config_map("counted", NAMESPACE, {"data": {"first": "yes"}})
    attempts = 0
    while True:
        attempts += 1
        stale.data = {**(stale.data or {}), "second": "yes"}
        try:
            check(set(core.replace_namespaced_config_map("counted", NAMESPACE, stale).data) == {"first", "second"}, "lost data")
            break
        except ApiException as error:
            check(error.status == 409 and attempts < 3, error)
            stale = core.read_namespaced_config_map("counted", NAMESPACE)
    check(attempts == 2, attempts)


def dynamically():
    api = dynamic.DynamicClient(client.ApiClient())
    definitions = api.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}
    definitions.create(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "gadgets.python.example.com"},
            "spec": {
                "group": "python.example.com",
                "scope": "Namespaced",
                "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
    )

    def served():
        api.resources.invalidate_cache()
        return api.resources.get(api_version="python.example.com/v1", kind="Gadget") is not None

    eventually("the custom kind in discovery", served)
    gadgets = api.resources.get(api_version="python.example.com/v1", kind="Gadget")
    body = {"apiVersion": "python.example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}, "spec": {"size": 3}}
    gadgets.create(body, namespace=NAMESPACE)
    check(gadgets.get(name="g", namespace=NAMESPACE).spec.size == 3, "the size")
    applied = gadgets.server_side_apply({**body, "spec": {"size": 4}}, namespace=NAMESPACE, field_manager="first", force_conflicts=True)
    check(applied.spec.size == 4, "the applied size")
    try:
        gadgets.server_side_apply({**body, "spec": {"size": 5}}, namespace=NAMESPACE, field_manager="second")
        check(False, "an apply over another manager's field passed")
    except ApiException as error:
        check(error.status == 409, error)
    gadgets.delete(name="g", namespace=NAMESPACE)


def elected():
    leading = threading.Event()

    def lead():
        leading.set()
        sys.stdout.flush()

    lock = ConfigMapLock("lead", NAMESPACE, str(uuid.uuid4()))
    candidate = electionconfig.Config(lock, lease_duration=4, renew_deadline=3, retry_period=1, onstarted_leading=lead, onstopped_leading=lambda: None)
    threading.Thread(target=leaderelection.LeaderElection(candidate).run, daemon=True).start()
    check(leading.wait(10), "nobody leads")
    annotations = client.CoreV1Api().read_namespaced_config_map("lead", NAMESPACE).metadata.annotations
    check(lock.identity in annotations["control-plane.alpha.kubernetes.io/leader"], annotations)


def informer_survives_restart():
    core = client.CoreV1Api()
    added, deleted = [], []
    informer = SharedInformer(list_func=core.list_namespaced_config_map, namespace=NAMESPACE, label_selector="from=python")
    informer.add_event_handler("ADDED", lambda item: added.append(item.metadata.name))
    informer.add_event_handler("DELETED", lambda item: deleted.append(item.metadata.name))
    informer.start()
    eventually("what is there", lambda: added == ["counted"])
    print("restart", flush=True)
    check(sys.stdin.readline().strip() == "restarted", "no restart")
    eventually("a write after the restart", lambda: core.create_namespaced_config_map(NAMESPACE, config_map("after")) is not None)
    eventually("its event", lambda: "after" in added)
    core.delete_namespaced_config_map("after", NAMESPACE)
    eventually("its end", lambda: "after" in deleted)
    informer.stop()


config.load_kube_config(os.environ["KUBECONFIG"])
for name, step in [
    ("typed objects are created, listed in pages, patched and deleted", typed_objects),
    ("a watch from a version tells what came after it", watched),
    ("objects from plain data run and scale", from_yaml),
    ("an update that comes late is retried on conflict", retried),
    ("discovery and the dynamic client, with server-side apply", dynamically),
    ("a candidate leads", elected),
    ("informers come back after a restart of the server", informer_survives_restart),
]:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - the test wants one line
        print(f"failed: {name}: {error!r}", flush=True)
        os._exit(1)
    print(f"ok: {name}", flush=True)
os._exit(0)
