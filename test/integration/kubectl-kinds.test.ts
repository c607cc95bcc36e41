/** More of the stock kubectl: what it shows and describes of each kind, and the commands that need objects of several kinds. */
import { after, before, test } from 'node:test'
import { type ClientCluster, checkRows, type Row, startClientCluster } from './stock-clients.ts'

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
})
after(() => cluster.close())

const template = { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'db:1' }] } }
const mounting = {
  ...template,
  spec: { containers: [{ name: 'c', image: 'db:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
}
const pvcSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const objects: readonly object[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: mounting,
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { ...pvcSpec, storageClassName: 'by-hand' } }],
    },
  },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'ds' }, spec: { selector: { matchLabels: { app: 'db' } }, template } },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'by-hand' },
    provisioner: 'example.com/none',
    allowVolumeExpansion: true,
  },
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv' },
    spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'by-hand', hostPath: { path: '/tmp/pv' } },
  },
  {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly' },
    spec: {
      schedule: '0 3 * * *',
      timeZone: 'Etc/UTC',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'fake-exit:0' }] } } } },
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'closed' },
    spec: { podSelector: { matchLabels: { app: 'db' } }, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] },
  },
  { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'nginx' }, spec: { controller: 'example.com/nginx' } },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'front' },
    spec: {
      ingressClassName: 'nginx',
      rules: [
        { host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'db', port: { number: 80 } } } }] } },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db' },
    spec: { selector: { app: 'db' }, clusterIP: 'None', ports: [{ port: 80 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'bounds' },
    spec: { limits: [{ type: 'Container', max: { memory: '1Gi' }, default: { memory: '64Mi' } }] },
  },
  { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'quota' }, spec: { hard: { pods: '10', 'limits.memory': '4Gi' } } },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'db' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, maxReplicas: 3 },
  },
  { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'runc' }, handler: 'runc' },
  { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'rc' }, spec: { replicas: 0, template } },
  { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'tpl' }, template },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'queues.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'queues', kind: 'Queue', shortNames: ['qu'], categories: ['all'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
          additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  description: 'What is wanted.',
                  properties: { size: { type: 'integer', description: 'How many.' } },
                },
                status: { type: 'object', properties: { size: { type: 'integer' }, phase: { type: 'string' } } },
              },
            },
          },
        },
      ],
    },
  },
]

const families: Readonly<Record<string, { readonly files?: Readonly<Record<string, string>>; readonly rows: readonly Row[] }>> = {
  kinds: {
    files: { 'all.json': objects.map((object) => JSON.stringify(object)).join('\n---\n') },
    rows: [
      { run: 'mv all.json all.yaml; kubectl apply -f all.yaml', says: ['statefulset.apps/db created', 'queues.example.com created'] },
      // Lists that count as one value are sent again with each apply: the server has filled in their defaults.
      {
        run: 'kubectl apply -f all.yaml',
        says: ['daemonset.apps/ds unchanged', 'cronjob.batch/nightly unchanged', 'service/db unchanged'],
      },
      { run: 'kubectl apply --server-side --force-conflicts -f all.yaml', says: ['statefulset.apps/db serverside-applied'] },
      { run: 'kubectl rollout status statefulset/db --timeout=20s', says: ['partitioned roll out complete'] },
      { run: 'kubectl get sts -o wide', says: [/NAME\s+READY\s+AGE\s+CONTAINERS\s+IMAGES/, /db\s+1\/1\s+\S+\s+c\s+db:1/] },
      { run: 'kubectl get ds', says: [/DESIRED\s+CURRENT\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+NODE SELECTOR/] },
      {
        run: 'kubectl get pvc',
        says: [
          /STATUS\s+VOLUME\s+CAPACITY\s+ACCESS MODES\s+STORAGECLASS\s+VOLUMEATTRIBUTESCLASS/,
          /data-db-0\s+Bound\s+pv\s+2Gi\s+RWO\s+by-hand\s+<unset>/,
        ],
      },
      {
        run: 'kubectl get pv',
        says: [/RECLAIM POLICY\s+STATUS\s+CLAIM/, /pv\s+2Gi\s+RWO\s+Retain\s+Bound\s+default\/data-db-0\s+by-hand/],
      },
      {
        run: 'kubectl get cj',
        says: [/SCHEDULE\s+TIMEZONE\s+SUSPEND\s+ACTIVE\s+LAST SCHEDULE/, /nightly\s+0 3 \* \* \*\s+Etc\/UTC\s+False\s+0\s+<none>/],
      },
      { run: 'kubectl get ing', says: [/CLASS\s+HOSTS\s+ADDRESS\s+PORTS/, /front\s+nginx\s+a\.b\s+80/] },
      {
        run: 'kubectl get netpol,ingressclass,quota,limits,hpa,rc,podtemplate',
        says: [
          /closed\s+app=db/,
          /nginx\s+example\.com\/nginx\s+<none>/,
          /pods: 3\/10/,
          'CREATED AT',
          /db\s+StatefulSet\/db\s+cpu: <unknown>\/80%\s+1\s+3/,
          /tpl\s+c\s+db:1\s+app=db/,
        ],
      },
      {
        run: 'kubectl get sc,runtimeclass,priorityclass,crd,apiservice',
        says: [
          /by-hand\s+example\.com\/none\s+Delete\s+Immediate\s+true/,
          /runc\s+runc/,
          /system-node-critical\s+2000001000\s+false\s+\S+\s+PreemptLowerPriority/,
          'queues.example.com',
          /v1\.apps\s+Local\s+True/,
        ],
      },
      {
        run: 'kubectl get flowschemas',
        says: [/PRIORITYLEVEL\s+MATCHINGPRECEDENCE\s+DISTINGUISHERMETHOD\s+AGE\s+MISSINGPL/, /^exempt\s[\s\S]*^catch-all\s/m],
      },
      { run: 'kubectl get controllerrevision', says: [/CONTROLLER\s+REVISION/, /db-\S+\s+statefulset\.apps\/db\s+1/] },
    ],
  },
  describe: {
    rows: [
      {
        run: 'kubectl describe sts db',
        says: ['Replicas:           1 desired | 1 total', 'Volume Claims:', 'Create Pod db-0 in StatefulSet db successful'],
      },
      { run: 'kubectl describe ds ds', says: ['Desired Number of Nodes Scheduled: 2'] },
      { run: 'kubectl describe pvc data-db-0', says: ['Status:        Bound', 'Used By:       db-0'] },
      { run: 'kubectl describe pv pv', says: ['Reclaim Policy:  Retain', 'HostPath'] },
      { run: 'kubectl describe cj nightly', says: [/Schedule:\s+0 3 \* \* \*/] },
      { run: 'kubectl describe netpol closed', says: ['PodSelector:     app=db', 'CIDR: 10.0.0.0/8'] },
      { run: 'kubectl describe hpa db', says: [/Reference:\s+StatefulSet\/db/] },
      { run: 'kubectl describe quota,limits', says: [/limits\.memory\s+\d+/, /Container\s+memory\s+-\s+1Gi/] },
      { run: 'kubectl describe ing front', says: ['Ingress Class:    nginx', 'db:80'] },
      {
        run: 'kubectl describe sc,crd,runtimeclass,priorityclass,rc,podtemplate,flowschema,prioritylevelconfiguration,lease -A',
        says: ['queues.example.com'],
      },
      { run: 'kubectl describe secret,sa,endpointslice,node,event', says: ['Name:'] },
    ],
  },
  'custom kinds': {
    rows: [
      { run: 'kubectl wait --for=condition=Established crd/queues.example.com --timeout=10s', says: ['condition met'] },
      {
        run: "printf 'apiVersion: example.com/v1\\nkind: Queue\\nmetadata: {name: q}\\nspec: {size: 2}\\n' | kubectl apply -f -",
        says: ['queue.example.com/q created'],
      },
      { run: 'kubectl get qu', says: [/NAME\s+SIZE\s+AGE|NAME\s+SIZE/, /q\s+2/] },
      { run: 'kubectl get all', says: ['queue.example.com/q'] },
      {
        run: 'kubectl explain queue.spec --recursive',
        says: ['GROUP:      example.com', 'What is wanted.', 'size\t<integer>'],
        eventually: true,
      },
      { run: 'kubectl scale queue/q --replicas=5', says: ['queue.example.com/q scaled'] },
      { run: 'kubectl patch queue q --subresource=status --type=merge -p \'{"status":{"phase":"Full","size":4}}\'', says: ['patched'] },
      { run: "kubectl get queue q --subresource=scale -o jsonpath='{.spec.replicas}/{.status.replicas}'", says: [/^5\/4$/] },
      { run: "kubectl wait --for=jsonpath='{.status.phase}'=Full queue/q --timeout=5s", says: ['condition met'] },
      { run: "kubectl get queue q --subresource=status -o jsonpath='{.status.phase}'", says: [/^Full$/] },
      {
        run: "printf 'apiVersion: example.com/v1\\nkind: Queue\\nmetadata: {name: r}\\nspec: {syze: 2}\\n' | kubectl create -f -",
        fails: ['strict decoding error: unknown field "spec.syze"'],
      },
      { run: 'kubectl describe queue q', says: [/Phase:\s+Full/] },
      { run: 'kubectl delete crd queues.example.com --timeout=15s', says: ['deleted'] },
      { run: 'kubectl get queues', fails: ['the server could not find the requested resource'] },
    ],
  },
  'more commands': {
    files: {
      'editor.sh': '#!/bin/sh\nsed -i "s/phase: .*/phase: Pending/" "$1"\n',
      'kustomization.yaml': 'resources: [base.yaml]\nnamePrefix: k-\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n',
      'base.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {a: b}\n',
    },
    rows: [
      { run: 'kubectl run web --image=web:1 --port=80 --expose --labels=app=web', says: ['service/web created', 'pod/web created'] },
      { run: 'kubectl wait --for=condition=Ready pod/web --timeout=20s', says: ['condition met'] },
      { run: 'kubectl expose pod web --name=again --port=80', says: ['service/again exposed'] },
      { run: 'kubectl debug web --image=busybox --copy-to=web-copy --profile=general -- true 2>&1', says: [/./] },
      { run: "kubectl get pod web-copy -o jsonpath='{.spec.containers[*].image}'", says: ['busybox'] },
      {
        run: 'kubectl debug node/node-1 --image=busybox --profile=general -- true 2>&1',
        says: ['Creating debugging pod node-debugger-node-1'],
      },
      { run: 'kubectl kustomize . | kubectl apply -f -', says: ['configmap/k-base created', 'configmap/k-gen-'] },
      {
        run: 'kubectl create -f base.yaml --save-config && kubectl apply -f base.yaml',
        says: ['configmap/base created', 'configmap/base unchanged'],
      },
      {
        run: 'kubectl create rolebinding edits --clusterrole=edit --user=a && kubectl set subject rolebinding edits --user=b --group=g',
        says: ['subjects updated'],
      },
      { run: 'kubectl get rolebinding edits -o wide', says: [/ClusterRole\/edit\s+\S+\s+a, b\s+g/] },
      { run: 'KUBE_EDITOR=./editor.sh kubectl edit pod web --subresource=status 2>&1', says: ['pod/web edited'] },
      { run: 'kubectl events --types=Normal --for pod/web', says: ['Scheduled'] },
      { run: "kubectl get pod web -o jsonpath-as-json='{.metadata.labels}'", says: ['"app": "web"'] },
      { run: 'kubectl get pod web -w --output-watch-events --request-timeout=1s 2>&1; true', says: ['EVENT', 'ADDED'] },
      { run: 'kubectl scale sts db --replicas=0 && kubectl wait --for=delete pod/db-0 --timeout=20s', says: ['scaled'] },
      { run: 'kubectl rollout history sts/db --revision=1', says: ['Pod Template'] },
      { run: 'kubectl create deployment own --image=web:1 && kubectl rollout status deployment/own --timeout=20s', says: ['rolled out'] },
      { run: "kubectl get deployment own -o jsonpath='{.metadata.generation}/{.status.observedGeneration}'", says: [/^1\/1$/] },
      { run: 'kubectl annotate deployment own note=x', says: ['annotated'] },
      {
        run: "kubectl get deployment own -o jsonpath='{.metadata.generation}/{.status.observedGeneration}'",
        says: [/^2\/2$/],
        eventually: true,
      },
      { run: 'kubectl delete deployment own --cascade=orphan', says: ['deleted'] },
      { run: 'kubectl get rs -l app=own -o name', says: ['replicaset.apps/own-'] },
      { run: 'kubectl delete rs -l app=own --cascade=foreground --timeout=20s', says: ['deleted'] },
      {
        run: 'kubectl create job now --from=cronjob/nightly && kubectl wait --for=condition=Complete job/now --timeout=20s',
        says: ['condition met'],
      },
      { run: 'kubectl get job now', says: [/STATUS\s+COMPLETIONS\s+DURATION/, /now\s+Complete\s+1\/1/] },
      { run: 'kubectl describe job now', says: [/Completed At:/, 'Job completed'] },
      {
        run: 'cp "$KUBECONFIG" own.cfg && export KUBECONFIG=own.cfg && kubectl config rename-context "$(kubectl config current-context)" here && kubectl config use-context here && kubectl config get-contexts -o name && kubectl config set-credentials x --token=t && kubectl config get-users && kubectl config delete-user x && kubectl config get-clusters && kubectl config unset current-context',
        says: ['here', 'deleted user x', 'Property "current-context" unset.'],
      },
      { run: 'kubectl get --raw /openapi/v2 | head -c 10', says: ['{'] },
      { run: 'kubectl get cs 2>&1', says: ['v1 ComponentStatus is deprecated'] },
      { run: 'kubectl get ep 2>&1', says: ['v1 Endpoints is deprecated in v1.33+'] },
    ],
  },
}

for (const [family, { files = {}, rows }] of Object.entries(families)) {
  test(`kubectl: ${family}`, async (t) => {
    for (const [file, text] of Object.entries(files)) cluster.write(file, text)
    await checkRows(t, cluster, rows)
  })
}
