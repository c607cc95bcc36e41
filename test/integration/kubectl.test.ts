/** The stock kubectl, family by family, against a server with simulated nodes: what it says must be what it says to any Kubernetes. */
import { after, before, test } from 'node:test'
import { type ClientCluster, checkRows, type Row, startClientCluster } from './stock-clients.ts'

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 3 })
})
after(() => cluster.close())

const families: Readonly<Record<string, { readonly files?: Readonly<Record<string, string>>; readonly rows: readonly Row[] }>> = {
  create: {
    rows: [
      { run: 'kubectl create namespace team', says: ['namespace/team created'] },
      { run: 'kubectl create namespace team', fails: ['Error from server (AlreadyExists): namespaces "team" already exists'] },
      { run: 'kubectl create deployment web --image=web:1 --replicas=2 --port=80', says: ['deployment.apps/web created'] },
      { run: 'kubectl create configmap settings --from-literal=a=b --from-literal=c=d', says: ['configmap/settings created'] },
      { run: 'kubectl create secret generic key --from-literal=password=x', says: ['secret/key created'] },
      {
        run: 'kubectl create secret docker-registry pull --docker-server=r --docker-username=u --docker-password=p',
        says: ['secret/pull created'],
      },
      { run: 'kubectl create service clusterip plain --tcp=80:8080', says: ['service/plain created'] },
      { run: 'kubectl create service nodeport open --tcp=80:8080 --node-port=30080', says: ['service/open created'] },
      { run: 'kubectl create service nodeport other --tcp=80:8080 --node-port=30080', fails: ['provided port is already allocated'] },
      { run: 'kubectl expose deployment web --port=80', says: ['service/web exposed'] },
      { run: 'kubectl create job once --image=fake-exit:0 --dry-run=server -o name', says: ['job.batch/once'] },
      { run: 'kubectl create job once --image=fake-exit:0 --dry-run=client -o yaml', says: ['kind: Job', 'image: fake-exit:0'] },
      { run: 'kubectl create cronjob nightly --image=i --schedule="0 3 * * *" --dry-run=server -o name', says: ['cronjob.batch/nightly'] },
      { run: 'kubectl create serviceaccount robot -n team', says: ['serviceaccount/robot created'] },
      {
        run: 'kubectl create role reader --verb=get,list --resource=pods,configmaps -n team',
        says: ['role.rbac.authorization.k8s.io/reader created'],
      },
      {
        run: 'kubectl create rolebinding readers --role=reader --serviceaccount=team:robot -n team',
        says: ['rolebinding.rbac.authorization.k8s.io/readers created'],
      },
      {
        run: 'kubectl create clusterrole watcher --verb=watch --resource=nodes',
        says: ['clusterrole.rbac.authorization.k8s.io/watcher created'],
      },
      {
        run: 'kubectl create clusterrolebinding watchers --clusterrole=watcher --user=jane',
        says: ['clusterrolebinding.rbac.authorization.k8s.io/watchers created'],
      },
      { run: 'kubectl create token robot -n team --duration=1h', says: [/^[\w-]+\.[\w-]+\.[\w-]+$/m] },
      { run: 'kubectl create quota small --hard=pods=10 -n team', says: ['resourcequota/small created'] },
      {
        run: 'kubectl create poddisruptionbudget web --selector=app=web --min-available=1',
        says: ['poddisruptionbudget.policy/web created'],
      },
      { run: 'kubectl create priorityclass high --value=1000', says: ['priorityclass.scheduling.k8s.io/high created'] },
      { run: 'kubectl create ingress front --rule="example.com/*=web:80"', says: ['ingress.networking.k8s.io/front created'] },
      { run: 'kubectl run said --rm -i --image=busybox --restart=Never -- echo hello', says: ['hello', 'pod "said" deleted'] },
      { run: 'kubectl run once --image=fake-exit:0 --restart=Never', says: ['pod/once created'] },
      { run: 'kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/once --timeout=20s', says: ['pod/once condition met'] },
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['deployment "web" successfully rolled out'] },
    ],
  },
  top: {
    files: {
      'busy.yaml': JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'busy',
          labels: { app: 'busy' },
          annotations: { 'fake.keelson.dev/c': JSON.stringify({ cpuMilli: 250, memoryBytes: 100 << 20 }) },
        },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      }),
    },
    rows: [
      { run: 'kubectl apply -f busy.yaml && kubectl wait --for=condition=Ready pod/busy --timeout=20s', says: ['condition met'] },
      { run: 'kubectl top node', says: [/NAME\s+CPU\(cores\)\s+CPU\(%\)\s+MEMORY\(bytes\)\s+MEMORY\(%\)/, /node-1\s+\d+m\s+\d+%\s+\d+Mi/] },
      { run: 'kubectl top pod -l app=busy', says: [/busy\s+250m\s+100Mi/], saysNot: ['web-'], eventually: true },
      { run: 'kubectl top pod busy --containers', says: [/busy\s+c\s+250m\s+100Mi/] },
      { run: 'kubectl get pods.metrics.k8s.io busy', says: [/NAME\s+CPU\s+MEMORY\s+WINDOW/, /busy\s+250m\s+100Mi/] },
      { run: 'kubectl top pod nobody', fails: ['podmetrics.metrics.k8s.io "default/nobody" not found'] },
      { run: 'kubectl top node --as=jane', fails: ['cannot list resource "nodes" in API group "metrics.k8s.io"'] },
      { run: 'kubectl delete pods.metrics.k8s.io busy', fails: ['MethodNotAllowed'] },
      { run: 'kubectl delete pod busy --now', says: ['deleted'] },
    ],
  },
  get: {
    rows: [
      { run: 'kubectl get nodes', says: [/NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION/, /node-1\s+Ready/] },
      {
        run: 'kubectl get pods',
        says: [/NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE/, /web-\S+\s+1\/1\s+Running\s+0/, /once\s+0\/1\s+Completed/],
      },
      { run: 'kubectl get pods -o wide -l app=web', says: [/IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES/, /10\.244\.\d+\.\d+\s+node-\d/] },
      { run: 'kubectl get deployment web', says: [/NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE/, /web\s+2\/2\s+2\s+2/] },
      {
        run: 'kubectl get deployment,service,replicaset',
        says: [/deployment\.apps\/web/, /service\/kubernetes/, /replicaset\.apps\/web-/],
      },
      { run: 'kubectl get all', says: ['pod/web-', 'service/web', 'deployment.apps/web', 'replicaset.apps/web-'] },
      {
        run: 'kubectl get configmap settings -o yaml',
        says: ['apiVersion: v1', 'kind: ConfigMap', '  a: b', 'resourceVersion: "'],
        saysNot: ['managedFields'],
      },
      { run: 'kubectl get configmap settings -o yaml --show-managed-fields', says: ['manager: kubectl-create'] },
      { run: 'kubectl get configmap settings -o json', says: ['"kind": "ConfigMap"', '"c": "d"'] },
      { run: "kubectl get configmap settings -o jsonpath='{.data.a}'", says: [/^b$/] },
      { run: 'kubectl get pods -l app=web -o jsonpath=\'{range .items[*]}{.status.phase}{"\\n"}{end}\'', says: ['Running\nRunning\n'] },
      {
        run: 'kubectl get pods -l app=web -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image',
        says: [/NAME\s+IMAGE/, /web-\S+\s+web:1/],
      },
      { run: "kubectl get pods -l app=web -o go-template='{{len .items}}'", says: [/^2$/] },
      { run: 'kubectl get pods -o name -l app=web', says: [/^pod\/web-\S+$/m] },
      { run: 'kubectl get pods -l app=web --no-headers | wc -l', says: ['2'] },
      { run: 'kubectl get pods --field-selector=status.phase=Succeeded -o name', says: [/^pod\/once\n$/] },
      { run: 'kubectl get pods --sort-by=.metadata.name -l app=web', says: ['web-'] },
      { run: 'kubectl get pods --show-labels -l app=web', says: ['LABELS', 'app=web,pod-template-hash='] },
      { run: 'kubectl get pods -L app -l app=web', says: [/APP\n/] },
      { run: 'kubectl get pods -A', says: [/NAMESPACE\s+NAME/, /default\s+web-/] },
      { run: 'kubectl get pods -l "app in (web),!x" -o name', says: ['pod/web-'] },
      { run: 'kubectl get pods --chunk-size=1 -o name', says: ['pod/web-', 'pod/once'] },
      { run: 'kubectl get pods missing', fails: ['Error from server (NotFound): pods "missing" not found'] },
      { run: 'kubectl get pods missing --ignore-not-found', saysNot: ['missing'] },
      { run: 'kubectl get nonsense', fails: ['error: the server doesn\'t have a resource type "nonsense"'] },
      { run: 'kubectl get pods -n nowhere', says: [/^$/] },
      { run: 'kubectl get --raw /version', says: ['"gitVersion": "v1.36.0', '"major": "1"'] },
      { run: 'kubectl get --raw /readyz', says: ['ok'] },
      { run: 'kubectl get --raw "/api/v1/namespaces/default/configmaps/settings"', says: ['"a":"b"'] },
      { run: 'kubectl get endpointslices', says: [/ADDRESSTYPE\s+PORTS\s+ENDPOINTS/, /web-\S+\s+IPv4\s+80/] },
      {
        run: 'kubectl get svc web',
        says: [/TYPE\s+CLUSTER-IP\s+EXTERNAL-IP\s+PORT\(S\)\s+AGE/, /ClusterIP\s+10\.(?:9[6-9]|10\d|11[01])\.\d+\.\d+\s+<none>\s+80\/TCP/],
      },
      { run: 'kubectl get events', says: [/LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/, 'Scheduled', 'ScalingReplicaSet'] },
      { run: 'kubectl events --for deployment/web', says: ['ScalingReplicaSet', 'Scaled up replica set web-'] },
      {
        run: 'kubectl get cm -w --request-timeout=2s 2>&1 & sleep 0.7; kubectl create configmap seen >/dev/null; wait',
        says: ['settings', 'seen'],
      },
      { run: 'kubectl get componentstatuses 2>&1 || true', says: [/./] },
    ],
  },
  describe: {
    rows: [
      {
        run: 'kubectl describe node node-1',
        says: ['Name:               node-1', 'Conditions:', 'Capacity:', 'Allocatable:', 'Non-terminated Pods:', 'Allocated resources:'],
      },
      {
        run: 'kubectl describe pod -l app=web --show-events',
        says: ['Controlled By:  ReplicaSet/web-', 'Status:           Running', 'QoS Class:', /Normal\s+Scheduled/, /Normal\s+Started/],
      },
      {
        run: 'kubectl describe deployment web',
        says: [
          'StrategyType:           RollingUpdate',
          'Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable',
          'NewReplicaSet:',
          'ScalingReplicaSet',
        ],
      },
      {
        run: 'kubectl describe replicaset -l app=web',
        says: ['Controlled By:  Deployment/web', '2 current / 2 desired', 'SuccessfulCreate'],
      },
      { run: 'kubectl describe service web', says: ['Selector:                 app=web', /Endpoints:\s+10\.244\.\d+\.\d+:80,10\.244/] },
      { run: 'kubectl describe configmap settings', says: ['Data\n====', 'a:\n----\nb'] },
      { run: 'kubectl describe secret key', says: ['password:  1 bytes', 'Type:  Opaque'] },
      { run: 'kubectl describe namespace team', says: ['Status:       Active', 'Resource Quotas'] },
      { run: 'kubectl describe role reader -n team', says: ['PolicyRule:', /pods\s+\[\]\s+\[\]\s+\[get list\]/] },
      { run: 'kubectl describe rolebinding readers -n team', says: ['Kind:  Role', /ServiceAccount\s+robot\s+team/] },
      { run: 'kubectl describe poddisruptionbudget web', says: ['Min available:  1', 'Allowed disruptions:  1'], eventually: true },
      { run: 'kubectl describe ingress front', says: ['example.com', 'web:80'] },
      { run: 'kubectl describe serviceaccount robot -n team', says: ['Name:                robot'] },
      { run: 'kubectl describe pod missing', fails: ['Error from server (NotFound): pods "missing" not found'] },
    ],
  },
  change: {
    files: {
      'editor.sh': '#!/bin/sh\nsed -i "s/a: b/a: edited/" "$1"\n',
      'bad-editor.sh': '#!/bin/sh\nsed -i "s/^kind: ConfigMap/kind: ConfigMap\\nnonsense: 1/" "$1"\n',
      'replace.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: replaced}\n',
      'stale.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, resourceVersion: "1"}\ndata: {a: x}\n',
    },
    rows: [
      { run: 'KUBE_EDITOR=./editor.sh kubectl edit configmap settings', says: ['configmap/settings edited'] },
      { run: "kubectl get configmap settings -o jsonpath='{.data.a}'", says: [/^edited$/] },
      { run: 'KUBE_EDITOR=true kubectl edit configmap settings 2>&1', says: ['Edit cancelled, no changes made.'] },
      { run: 'kubectl label configmap settings tier=back', says: ['configmap/settings labeled'] },
      { run: 'kubectl label configmap settings tier=front', fails: ["error: 'tier' already has a value (back), and --overwrite is false"] },
      { run: 'kubectl label configmap settings tier=front --overwrite', says: ['configmap/settings labeled'] },
      { run: 'kubectl label configmap settings tier-', says: ['configmap/settings unlabeled'] },
      {
        run: 'kubectl label configmap settings "bad label=x"',
        fails: ['The ConfigMap "settings" is invalid: metadata.labels: Invalid value: "bad label": name part must consist of'],
      },
      {
        run: 'kubectl label configmap settings tier="not ok"',
        fails: ['a valid label must be an empty string or consist of alphanumeric characters'],
      },
      { run: 'kubectl annotate configmap settings note=hello', says: ['configmap/settings annotated'] },
      { run: 'kubectl annotate configmap settings note-', says: ['configmap/settings annotated'] },
      { run: `kubectl patch configmap settings -p '{"data":{"e":"f"}}'`, says: ['configmap/settings patched'] },
      { run: `kubectl patch configmap settings --type=merge -p '{"data":{"e":null}}'`, says: ['configmap/settings patched'] },
      {
        run: `kubectl patch configmap settings --type=json -p '[{"op":"test","path":"/data/a","value":"edited"},{"op":"replace","path":"/data/a","value":"patched"}]'`,
        says: ['configmap/settings patched'],
      },
      {
        run: `kubectl patch configmap settings --type=json -p '[{"op":"test","path":"/data/a","value":"no"}]'`,
        fails: [/the server rejected our request due to an error in our request|test/],
      },
      { run: `kubectl patch configmap settings -p '{"data":{"a":"patched"}}'`, says: ['configmap/settings patched (no change)'] },
      {
        run: `kubectl patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":3}}'`,
        says: ['scale.autoscaling/web patched'],
      },
      {
        run: `kubectl patch deployment web --type=merge -p '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}'`,
        fails: ['The Deployment "web" is invalid:', 'field is immutable'],
      },
      { run: 'kubectl replace -f replace.yaml', says: ['configmap/settings replaced'] },
      {
        run: 'kubectl replace -f stale.yaml',
        fails: [
          'Error from server (Conflict)',
          'the object has been modified; please apply your changes to the latest version and try again',
        ],
      },
      { run: 'kubectl replace --force -f replace.yaml', says: ['configmap "settings" deleted', 'configmap/settings replaced'] },
      { run: 'kubectl scale deployment web --replicas=2', says: ['deployment.apps/web scaled'] },
      { run: 'kubectl scale deployment web --current-replicas=7 --replicas=9', fails: ['Expected replicas to be 7, was 2'] },
      { run: 'kubectl autoscale deployment web --min=1 --max=3 --cpu=50%', says: ['horizontalpodautoscaler.autoscaling/web autoscaled'] },
      { run: 'kubectl delete hpa web', says: ['horizontalpodautoscaler.autoscaling "web" deleted'] },
      { run: 'kubectl create -f replace.yaml --validate=strict', fails: ['AlreadyExists'] },
      {
        run: "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: odd}\\nnonsense: 1\\n' | kubectl create -f -",
        fails: ['strict decoding error: unknown field "nonsense"'],
      },
      {
        run: "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: odd}\\nnonsense: 1\\n' | kubectl create --validate=warn -f - 2>&1",
        says: ['Warning: unknown field "nonsense"', 'configmap/odd created'],
      },
    ],
  },
  apply: {
    files: {
      'set.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: four}\n',
      'set-less.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n',
      'app.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: app}}\ndata: {a: "1"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, labels: {set: app}}\ndata: {a: "1"}\n',
      'app-less.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {set: app}}\ndata: {b: "2"}\n',
      'ssa.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {a: "1"}\n',
      'ssa-other.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata: {a: "2"}\n',
      'bad.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {name: Bad_Name}\nspec: {containers: [{name: c, image: i}]}\n',
      'kustomization.yaml': 'resources: [ssa.yaml]\nnamePrefix: my-\n',
    },
    rows: [
      { run: 'kubectl apply -f app.yaml', says: ['configmap/one created', 'configmap/two created'] },
      { run: 'kubectl apply -f app.yaml', says: ['configmap/one unchanged', 'configmap/two unchanged'] },
      { run: 'kubectl diff -f app.yaml', saysNot: [/./] },
      { run: 'kubectl diff -f app-less.yaml; test $? = 1', says: ['-  a: "1"', '+  b: "2"'] },
      { run: 'kubectl apply -f app-less.yaml', says: ['configmap/one configured'] },
      { run: "kubectl get configmap one -o jsonpath='{.data}'", says: ['{"b":"2"}'] },
      { run: 'kubectl apply -f app-less.yaml --prune -l set=app', says: ['configmap/one unchanged', 'configmap/two pruned'] },
      {
        run: 'KUBECTL_APPLYSET=true kubectl apply -n default -f set.yaml --prune --applyset=secrets/set',
        says: ['configmap/three created', 'configmap/four created'],
      },
      { run: 'kubectl get configmap -l applyset.kubernetes.io/part-of -o name', says: ['configmap/four\nconfigmap/three\n'] },
      {
        run: 'KUBECTL_APPLYSET=true kubectl apply -n default -f set-less.yaml --prune --applyset=secrets/set',
        says: ['configmap/three unchanged', 'configmap/four pruned'],
      },
      {
        run: "kubectl get secret set -o jsonpath='{.metadata.annotations}{.metadata.labels}'",
        says: ['"applyset.kubernetes.io/contains-group-kinds":"ConfigMap"', '"applyset.kubernetes.io/id":"applyset-'],
      },
      { run: 'kubectl apply view-last-applied configmap one', says: ['b: "2"'] },
      { run: 'kubectl apply --server-side -f ssa.yaml', says: ['configmap/owned serverside-applied'] },
      {
        run: 'kubectl apply --server-side --field-manager=other -f ssa-other.yaml',
        fails: ['Apply failed with 1 conflict: conflict with "kubectl": .data.a'],
      },
      {
        run: 'kubectl apply --server-side --field-manager=other --force-conflicts -f ssa-other.yaml',
        says: ['configmap/owned serverside-applied'],
      },
      {
        run: 'kubectl apply --server-side --dry-run=server -f ssa-other.yaml --field-manager=other',
        says: ['configmap/owned serverside-applied (server dry run)'],
      },
      { run: 'kubectl apply -k .', says: ['configmap/my-owned created'] },
      {
        run: 'kubectl apply -f bad.yaml',
        fails: ['The Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain'],
      },
      { run: 'kubectl delete -f app-less.yaml', says: ['configmap "one" deleted'] },
    ],
  },
  rollout: {
    rows: [
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['successfully rolled out'] },
      { run: 'kubectl set image deployment/web web=web:2', says: ['deployment.apps/web image updated'] },
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['successfully rolled out'] },
      { run: 'kubectl rollout history deployment/web', says: [/REVISION\s+CHANGE-CAUSE/, /^1\s/m, /^2\s/m] },
      { run: 'kubectl rollout history deployment/web --revision=1', says: ['Image:\tweb:1'] },
      { run: 'kubectl rollout undo deployment/web', says: ['deployment.apps/web rolled back'] },
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['successfully rolled out'] },
      { run: "kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].image}'", says: [/^web:1$/] },
      { run: 'kubectl rollout undo deployment/web --to-revision=99', fails: ['unable to find specified revision 99 in history'] },
      { run: 'kubectl rollout pause deployment/web', says: ['deployment.apps/web paused'] },
      { run: 'kubectl rollout pause deployment/web', fails: ['deployments.apps "web" is already paused'] },
      { run: 'kubectl rollout undo deployment/web', fails: ['you cannot rollback a paused deployment'] },
      { run: 'kubectl set env deployment/web LEVEL=debug', says: ['deployment.apps/web env updated'] },
      { run: 'kubectl rollout resume deployment/web', says: ['deployment.apps/web resumed'] },
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['successfully rolled out'] },
      { run: 'kubectl set env deployment/web --list', says: ['LEVEL=debug'] },
      {
        run: 'kubectl set resources deployment/web --requests=cpu=100m,memory=64Mi --limits=cpu=200m',
        says: ['deployment.apps/web resource requirements updated'],
      },
      { run: 'kubectl set serviceaccount deployment/web default', says: ['deployment.apps/web serviceaccount updated'] },
      { run: 'kubectl set selector service plain app=other', says: ['service/plain selector updated'] },
      { run: 'kubectl rollout restart deployment/web', says: ['deployment.apps/web restarted'] },
      { run: 'kubectl rollout status deployment/web --timeout=30s', says: ['successfully rolled out'] },
    ],
  },
  pods: {
    rows: [
      {
        run: `kubectl run talker --image=busybox --restart=Never -- sh -c 'echo hello; echo world; sleep 3600'`,
        says: ['pod/talker created'],
      },
      { run: 'kubectl wait --for=condition=Ready pod/talker --timeout=20s', says: ['pod/talker condition met'] },
      { run: 'kubectl logs talker', says: ['hello\nworld\n'] },
      { run: 'kubectl logs talker --tail=1 --timestamps', says: [/^\d{4}-\d\d-\d\dT\S+ world\n$/] },
      { run: 'kubectl logs -l app=web --prefix --all-containers', saysNot: ['error'] },
      { run: 'kubectl logs talker -c nope', fails: ['container nope is not valid for pod talker'] },
      { run: 'kubectl exec talker -- echo hi there', says: ['hi there'] },
      { run: 'printf in | kubectl exec -i talker -- cat', says: ['in'] },
      { run: 'kubectl exec missing -- true', fails: ['Error from server (NotFound): pods "missing" not found'] },
      { run: 'kubectl attach talker --request-timeout=1s 2>&1 | head -c 0; true' },
      {
        run: 'kubectl debug talker --image=busybox --profile=general --target=talker -- true 2>&1',
        says: ['Defaulting debug container name to'],
      },
      { run: "kubectl get pod talker -o jsonpath='{.spec.ephemeralContainers[0].image}'", says: ['busybox'] },
      { run: 'kubectl delete pod talker --now', says: ['pod "talker" deleted'] },
      { run: 'kubectl delete pod once --grace-period=0 --force 2>&1', says: ['pod "once" force deleted'] },
      { run: 'kubectl wait --for=delete pod/talker --timeout=20s' },
    ],
  },
  nodes: {
    rows: [
      { run: 'kubectl cordon node-3', says: ['node/node-3 cordoned'] },
      { run: 'kubectl get node node-3', says: ['Ready,SchedulingDisabled'] },
      { run: 'kubectl uncordon node-3', says: ['node/node-3 uncordoned'] },
      { run: 'kubectl taint node node-3 key=value:NoSchedule', says: ['node/node-3 tainted'] },
      {
        run: 'kubectl taint node node-3 key=value:NoSchedule',
        fails: ['node node-3 already has key taint(s) with same effect(s) and --overwrite is false'],
      },
      { run: 'kubectl taint node node-3 key-', says: ['node/node-3 untainted'] },
      { run: 'kubectl label node node-3 zone=a', says: ['node/node-3 labeled'] },
      {
        run: 'kubectl drain node-2 --ignore-daemonsets --delete-emptydir-data --timeout=25s',
        says: ['node/node-2 cordoned', 'node/node-2 drained'],
      },
      { run: 'kubectl get pods -A -o jsonpath=\'{range .items[*]}{.spec.nodeName}{"\\n"}{end}\'', saysNot: ['node-2'] },
      { run: 'kubectl uncordon node-2', says: ['node/node-2 uncordoned'] },
    ],
  },
  access: {
    files: {
      'roles.yaml':
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: made, namespace: team}\nrules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]\n',
    },
    rows: [
      { run: 'kubectl auth can-i create pods', says: ['yes'] },
      { run: 'kubectl auth can-i list pods -n team --as=system:serviceaccount:team:robot', says: ['yes'] },
      { run: 'kubectl auth can-i delete pods -n team --as=system:serviceaccount:team:robot; test $? = 1', says: ['no'] },
      {
        run: 'kubectl auth can-i --list -n team --as=system:serviceaccount:team:robot',
        says: [/pods\s+\[\]\s+\[\]\s+\[get list\]/, 'selfsubjectaccessreviews.authorization.k8s.io'],
      },
      { run: 'kubectl auth whoami', says: [/Username\s+kubernetes-admin/, 'keelson:cluster-admins'] },
      { run: 'kubectl auth whoami --as=jane -o jsonpath={.status.userInfo.username}', says: [/^jane$/] },
      { run: 'kubectl auth reconcile -f roles.yaml', says: ['role.rbac.authorization.k8s.io/made reconciled'] },
      {
        run: 'kubectl get pods --as=jane',
        fails: [
          'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
        ],
      },
      {
        run: 'kubectl --token="$(kubectl create token robot -n team)" --kubeconfig=/dev/null --server="$(kubectl config view --minify -o jsonpath={.clusters[0].cluster.server})" --insecure-skip-tls-verify get pods -n team',
        says: [/^$/],
      },
      { run: 'kubectl config view', says: ['certificate-authority-data: DATA+OMITTED', 'current-context:'] },
      { run: 'kubectl config current-context', says: [/./] },
      {
        run: 'cp "$KUBECONFIG" own && KUBECONFIG=own sh -c "kubectl config set-context --current --namespace=team && kubectl config view --minify"',
        says: ['namespace: team'],
      },
    ],
  },
  discovery: {
    rows: [
      { run: 'kubectl version', says: ['Client Version:', 'Server Version: v1.36'] },
      { run: 'kubectl cluster-info', says: ['Kubernetes control plane'] },
      { run: 'kubectl api-versions', says: [/^apps\/v1$/m, /^v1$/m, /^rbac\.authorization\.k8s\.io\/v1$/m] },
      { run: 'kubectl api-resources', says: [/^pods\s+po\s+v1\s+true\s+Pod$/m, /^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m] },
      { run: 'kubectl api-resources --api-group=apps -o name', says: ['deployments.apps', 'replicasets.apps'] },
      {
        run: 'kubectl api-resources --namespaced=false -o wide',
        says: [/^nodes\s+no\s+v1\s+false\s+Node\s+create,delete,deletecollection,get,list,patch,update,watch/m],
      },
      {
        run: 'kubectl explain pod.spec.containers',
        says: ['KIND:       Pod', 'FIELD: containers <[]Container>', 'imagePullPolicy', 'FIELDS:'],
      },
      { run: 'kubectl explain deployment --recursive', says: ['GROUP:      apps', 'maxSurge\t<IntOrString>'] },
      { run: 'kubectl explain pod.nonsense', fails: ['field "nonsense" does not exist'] },
      { run: 'kubectl explain hpa', says: ['VERSION:    v2'] },
    ],
  },
  more: {
    files: {
      'kept.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, labels: {set: more}}\ndata: {a: "1"}\n',
      'kept-2.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, labels: {set: more}}\ndata: {a: "2"}\n',
      'csr.sh':
        'openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -subj "/CN=jane" 2>/dev/null | base64 -w0 | sed "s|.*|apiVersion: certificates.k8s.io/v1\\nkind: CertificateSigningRequest\\nmetadata: {name: $1}\\nspec: {request: &, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 3600}|" | kubectl create -f -\n',
      'broken.yaml':
        'apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.broken.example.com}\nspec: {group: broken.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {name: none, namespace: default}}\n',
      'sets.yaml':
        'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: everywhere}\nspec: {selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: "web:1"}]}}}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: ordered}\nspec: {serviceName: s, replicas: 2, selector: {matchLabels: {app: s}}, template: {metadata: {labels: {app: s}}, spec: {containers: [{name: c, image: "web:1"}]}}}\n',
    },
    rows: [
      { run: 'kubectl apply --server-side -f kept.yaml', says: ['configmap/kept serverside-applied'] },
      { run: 'kubectl diff --server-side -f kept-2.yaml; test $? = 1', says: ['-  a: "1"', '+  a: "2"'] },
      { run: 'kubectl apply -f kept-2.yaml 2>&1', says: ['configmap/kept configured'] },
      { run: 'kubectl apply set-last-applied -f kept.yaml', says: ['configmap/kept configured'] },
      { run: 'kubectl apply view-last-applied configmap/kept -o json', says: ['"a": "1"'] },
      { run: 'kubectl create configmap later --dry-run=client -o yaml | kubectl apply --server-side -f -', says: ['serverside-applied'] },
      { run: 'kubectl wait --for=create configmap/kept --timeout=5s', says: ['configmap/kept condition met'] },
      { run: `kubectl wait --for=jsonpath='{.data.a}'=2 configmap/kept --timeout=5s`, says: ['condition met'] },
      { run: 'kubectl wait --for=condition=Available=false deployment/nope --timeout=1s', fails: ['NotFound'] },
      { run: 'kubectl annotate configmap -l set=more --all=false a=b', says: ['configmap/kept annotated'] },
      { run: 'kubectl annotate --list configmap kept', says: ['a=b'] },
      { run: 'kubectl label --list configmap kept', says: ['set=more'] },
      { run: 'kubectl apply -f sets.yaml', says: ['daemonset.apps/everywhere created', 'statefulset.apps/ordered created'] },
      { run: 'kubectl rollout status daemonset/everywhere statefulset/ordered --timeout=30s', says: ['successfully rolled out', 'roll'] },
      { run: 'kubectl set image daemonset/everywhere statefulset/ordered "*=web:2"', says: ['daemonset.apps/everywhere image updated'] },
      { run: 'kubectl rollout status statefulset/ordered --timeout=30s', says: ['complete'] },
      { run: 'kubectl rollout history daemonset/everywhere', says: [/^2\s/m] },
      { run: 'kubectl rollout undo statefulset/ordered', says: ['statefulset.apps/ordered rolled back'] },
      { run: 'kubectl rollout restart daemonset -l app=none 2>&1; true' },
      { run: 'kubectl delete -f sets.yaml', says: ['daemonset.apps "everywhere" deleted'] },
      { run: 'sh csr.sh good && sh csr.sh bad', says: ['certificatesigningrequest.certificates.k8s.io/good created'] },
      { run: 'kubectl get csr good', says: [/CONDITION/, /Pending/] },
      { run: 'kubectl certificate approve good', says: ['good approved'] },
      { run: 'kubectl certificate deny bad', says: ['bad denied'] },
      { run: 'kubectl get csr', says: [/good.*Approved,Issued/, /bad.*Denied/], eventually: true },
      {
        run: `kubectl get csr good -o jsonpath='{.status.certificate}' | base64 -d > cert.pem && kubectl config set-credentials jane --client-certificate=cert.pem --client-key=key.pem --kubeconfig=own2 && openssl x509 -in cert.pem -noout -subject`,
        says: [/CN ?= ?jane/],
      },
      { run: 'kubectl config set-cluster x --server=https://127.0.0.1:1 --kubeconfig=own2', says: ['Cluster "x" set.'] },
      { run: 'kubectl config set-context x --cluster=x --user=jane --kubeconfig=own2', says: ['Context "x" created.'] },
      { run: 'kubectl config use-context x --kubeconfig=own2', says: ['Switched to context "x".'] },
      { run: 'kubectl config get-contexts --kubeconfig=own2', says: [/\*\s+x\s+x\s+jane/] },
      {
        run: 'kubectl taint node node-1 a=b:NoSchedule && kubectl taint node node-1 a=c:NoSchedule --overwrite',
        says: ['node/node-1 modified'],
      },
      { run: 'kubectl taint node node-1 a:NoSchedule-', says: ['untainted'] },
      { run: 'kubectl run debugged --image=web:1', says: ['created'] },
      { run: 'kubectl wait --for=condition=Ready pod/debugged --timeout=20s', says: ['met'] },
      {
        run: 'kubectl debug debugged --copy-to=copied --container=debugged --image=web:2 --profile=general --attach=false -- sleep 1 2>&1; kubectl get pod copied -o jsonpath={.spec.containers[*].name}',
        says: ['debugged'],
      },
      {
        run: 'kubectl debug node/node-1 --image=busybox --profile=general --attach=false 2>&1',
        says: ['Creating debugging pod node-debugger-node-1-'],
      },
      { run: 'kubectl get flowschemas', says: [/catch-all\s+catch-all\s+10000\s+ByUser\s+\S+\s+False/] },
      { run: 'kubectl get prioritylevelconfigurations', says: [/workload-low\s+Limited\s+100\s+128\s+6\s+50/] },
      { run: 'kubectl get apiservices', says: [/v1\.apps\s+Local\s+True/, /v1\.\s+Local\s+True/] },
      {
        run: 'kubectl get configmap -n kube-system extension-apiserver-authentication -o jsonpath={.data}',
        says: ['client-ca-file', 'requestheader-client-ca-file', 'front-proxy-client'],
      },
      {
        run: 'kubectl create namespace held && kubectl apply -f broken.yaml',
        says: ['apiservice.apiregistration.k8s.io/v1.broken.example.com created'],
      },
      { run: 'kubectl get apiservice v1.broken.example.com', says: [/default\/none\s+False \(ServiceNotFound\)/], eventually: true },
      { run: 'kubectl delete namespace held --wait=false', says: ['namespace "held" deleted'] },
      {
        run: `kubectl get namespace held -o jsonpath='{.status.conditions[?(@.type=="NamespaceDeletionDiscoveryFailure")].message}'`,
        says: ['Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: broken.example.com/v1'],
        eventually: true,
      },
      { run: 'kubectl delete apiservice v1.broken.example.com', says: ['deleted'] },
      { run: 'kubectl wait --for=delete namespace/held --timeout=20s' },
      { run: 'kubectl describe apiservice v1.apps', says: ['Reason:                Local', 'Group Priority Minimum:  17800'] },
    ],
  },
  delete: {
    rows: [
      { run: 'kubectl create deployment gone --image=i --replicas=2', says: ['created'] },
      { run: 'kubectl rollout status deployment/gone --timeout=20s', says: ['successfully'] },
      { run: 'kubectl delete deployment gone --cascade=orphan', says: ['deployment.apps "gone" deleted'] },
      { run: 'kubectl get replicaset -l app=gone -o name', says: ['replicaset.apps/gone-'] },
      { run: 'kubectl delete replicaset -l app=gone --cascade=foreground --wait', says: [/replicaset\.apps "gone-\S+" deleted/] },
      { run: 'kubectl get pods -l app=gone -o name', says: [/^$/], eventually: true },
      { run: 'kubectl delete deployment web --dry-run=server', says: ['deployment.apps "web" deleted', '(server dry run)'] },
      { run: 'kubectl delete configmap --field-selector=metadata.name=seen', says: ['configmap "seen" deleted'] },
      { run: 'kubectl delete configmap missing', fails: ['Error from server (NotFound): configmaps "missing" not found'] },
      { run: 'kubectl delete configmap missing --ignore-not-found', saysNot: ['missing'] },
      { run: 'kubectl delete service,ingress --all', says: ['service "web" deleted', 'ingress.networking.k8s.io "front" deleted'] },
      { run: 'kubectl delete namespace team --timeout=25s', says: ['namespace "team" deleted'] },
      { run: 'kubectl get namespace team', fails: ['namespaces "team" not found'] },
      { run: 'kubectl delete namespace default', fails: ['namespaces "default" is forbidden: this namespace may not be deleted'] },
      { run: 'kubectl delete all --all', says: ['deployment.apps "web" deleted'] },
      { run: 'kubectl get pods -o name', says: [/^$/], eventually: true },
    ],
  },
}

for (const [family, { files = {}, rows }] of Object.entries(families)) {
  test(`kubectl: ${family}`, async (t) => {
    for (const [file, text] of Object.entries(files)) cluster.write(file, text)
    await checkRows(t, cluster, rows)
  })
}
