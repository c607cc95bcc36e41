/** The stock helm: a chart's whole life against a server with simulated nodes. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ClientCluster, checkRows, startClientCluster } from './stock-clients.ts'

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
})
after(() => cluster.close())

const chart: Readonly<Record<string, string>> = {
  'shop/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.2.3\nappVersion: "9"\n',
  'shop/values.yaml': 'replicas: 2\nimage: web:1\nmessage: hello\n',
  'shop/templates/all.yaml': `
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
data:
  message: {{ .Values.message | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec: { containers: [{ name: web, image: {{ .Values.image | quote }}, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: { app: {{ .Release.Name }} }
  ports: [{ port: 80 }]
`,
  'shop/templates/hook.yaml': `
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: { helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded" }
spec: { restartPolicy: Never, containers: [{ name: c, image: "fake-exit:0" }] }
`,
  'shop/templates/test.yaml': `
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: { helm.sh/hook: test }
spec: { restartPolicy: Never, containers: [{ name: c, image: "fake-exit:0" }] }
`,
  'shop/templates/NOTES.txt': 'Say {{ .Values.message }}.\n',
}

test('helm: install, upgrade, roll back, test, uninstall', async (t) => {
  for (const dir of ['shop', 'shop/templates']) mkdirSync(join(cluster.dir, dir), { recursive: true })
  for (const [file, text] of Object.entries(chart)) cluster.write(file, text)
  await checkRows(t, cluster, [
    { run: 'helm lint shop', says: ['0 chart(s) failed'] },
    { run: 'helm install mine ./shop --dry-run=server', says: ['STATUS: pending-install', 'message: "hello"'] },
    { run: 'helm install mine ./shop --wait --timeout 30s', says: ['STATUS: deployed', 'REVISION: 1', 'Say hello.'] },
    { run: 'kubectl get deployment mine', says: [/mine\s+2\/2\s+2\s+2/] },
    { run: 'kubectl get pod mine-migrate', fails: ['pods "mine-migrate" not found'] },
    { run: 'helm list', says: [/NAME\s+NAMESPACE\s+REVISION/, /mine\s+default\s+1\s.*deployed\s+shop-1\.2\.3\s+9/] },
    { run: 'helm install mine ./shop', fails: [/cannot re-?use a name that is still in use/] },
    {
      run: 'helm upgrade mine ./shop --set replicas=3,message=again --wait --timeout 30s',
      says: ['has been upgraded', 'REVISION: 2', 'Say again.'],
    },
    { run: "kubectl get configmap mine-settings -o jsonpath='{.data.message}'", says: [/^again$/] },
    { run: 'kubectl get deployment mine', says: [/mine\s+3\/3/] },
    { run: 'helm upgrade mine ./shop --set replicas=-1', fails: ['must be greater than or equal to 0'] },
    { run: 'helm history mine', says: [/2\s.*deployed/, /3\s.*failed/] },
    { run: 'helm get values mine --revision 2', says: ['message: again', 'replicas: 3'] },
    { run: 'helm get manifest mine --revision 1', says: ['kind: Deployment', 'message: "hello"'] },
    { run: 'helm rollback mine 1 --wait --timeout 30s', says: ['Rollback was a success! Happy Helming!'] },
    { run: "kubectl get configmap mine-settings -o jsonpath='{.data.message}'", says: [/^hello$/] },
    { run: 'kubectl get deployment mine', says: [/mine\s+2\/2/] },
    { run: 'helm test mine', says: [/Phase:\s+Succeeded/] },
    { run: 'helm status mine', says: ['STATUS: deployed', 'REVISION: 4'] },
    { run: 'helm uninstall mine --wait --timeout 30s', says: ['release "mine" uninstalled'] },
    { run: 'kubectl get deployment,service,configmap -o name', says: ['service/kubernetes'], saysNot: ['mine'] },
    {
      run: 'helm upgrade --install other ./shop -n fresh --create-namespace --wait --timeout 30s',
      says: ['NAMESPACE: fresh', 'STATUS: deployed'],
    },
    { run: 'helm list -A', says: [/other\s+fresh\s+1/] },
    { run: 'helm uninstall other -n fresh --keep-history', says: ['release "other" uninstalled'] },
    { run: 'helm list -n fresh --uninstalled', says: [/other\s+fresh\s+1.*uninstalled/] },
  ])
})

/** A chart as teams write them: a definition of its own kind, a dependency that can be left out, hooks in order, and helpers. */
const platform: Readonly<Record<string, string>> = {
  'cache/Chart.yaml': 'apiVersion: v2\nname: cache\nversion: 0.3.0\n',
  'cache/values.yaml': 'size: 1\n',
  'cache/templates/set.yaml': `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: {{ .Release.Name }}-cache }
spec:
  serviceName: {{ .Release.Name }}-cache
  replicas: {{ .Values.size }}
  selector: { matchLabels: { app: {{ .Release.Name }}-cache } }
  template:
    metadata: { labels: { app: {{ .Release.Name }}-cache } }
    spec: { containers: [{ name: cache, image: "cache:1" }] }
`,
  'platform/Chart.yaml': `
apiVersion: v2
name: platform
version: 2.0.0
kubeVersion: ">=1.30.0-0"
dependencies: [{ name: cache, version: 0.3.0, repository: "file://../cache", condition: cache.enabled }]
`,
  'platform/values.yaml': 'cache: { enabled: true, size: 2 }\nroutes: [a, b]\n',
  'platform/crds/route.yaml': `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: routes.platform.example.com }
spec:
  group: platform.example.com
  scope: Namespaced
  names: { plural: routes, singular: route, kind: Route }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, required: [host], properties: { host: { type: string } } } } } }
`,
  'platform/templates/_names.tpl': '{{- define "platform.labels" -}}\napp.kubernetes.io/instance: {{ .Release.Name }}\n{{- end -}}\n',
  'platform/templates/routes.yaml': `
{{- range .Values.routes }}
---
apiVersion: platform.example.com/v1
kind: Route
metadata:
  name: {{ $.Release.Name }}-{{ . }}
  labels: {{- include "platform.labels" $ | nindent 4 }}
spec: { host: {{ . }}.example.com }
{{- end }}
`,
  'platform/templates/secret.yaml': `
{{- $old := lookup "v1" "Secret" .Release.Namespace (printf "%s-key" .Release.Name) }}
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }}-key }
data: { key: {{ if $old }}{{ $old.data.key }}{{ else }}{{ randAlphaNum 16 | b64enc }}{{ end }} }
`,
  'platform/templates/hooks.yaml': `
{{- range $weight, $name := list "first" "second" }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $.Release.Name }}-{{ $name }}
  annotations: { helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "{{ $weight }}", helm.sh/hook-delete-policy: before-hook-creation }
spec: { backoffLimit: 0, template: { spec: { restartPolicy: Never, containers: [{ name: c, image: "fake-exit:{{ $.Values.exit | default 0 }}" }] } } }
{{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-farewell
  annotations: { helm.sh/hook: post-delete }
`,
}

test('helm: a chart with a dependency, a kind of its own and ordered hooks', async (t) => {
  for (const dir of ['cache/templates', 'platform/templates', 'platform/crds']) mkdirSync(join(cluster.dir, dir), { recursive: true })
  for (const [file, text] of Object.entries(platform)) cluster.write(file, text)
  const key = "kubectl get secret base-key -o jsonpath='{.data.key}'"
  await checkRows(t, cluster, [
    { run: 'helm dependency build ./platform', says: ['Saving 1 charts'] },
    {
      run: 'helm template base ./platform --include-crds',
      says: ['kind: CustomResourceDefinition', 'kind: StatefulSet', 'host: a.example.com'],
    },
    { run: 'helm install base ./platform --wait --wait-for-jobs --timeout 40s', says: ['STATUS: deployed', 'REVISION: 1'] },
    { run: 'kubectl get routes -l app.kubernetes.io/instance=base -o name', says: ['base-a\n', 'base-b\n'] },
    { run: 'kubectl get statefulset base-cache', says: [/base-cache\s+2\/2/] },
    {
      run: "kubectl get job base-first base-second -o jsonpath='{range .items[*]}{.metadata.name}={.status.succeeded} {end}'",
      says: ['base-first=1', 'base-second=1'],
    },
    { run: `${key} > key && test -s key` },
    { run: "helm upgrade base ./platform --set 'routes={a,c}' --set cache.size=1 --wait --timeout 40s", says: ['REVISION: 2'] },
    { run: 'kubectl get routes -o name', says: ['base-a\n', 'base-c\n'], saysNot: ['base-b'] },
    { run: `test "$(${key})" = "$(cat key)"` },
    { run: "helm upgrade base ./platform --set 'routes={a,c}' --set exit=1 --timeout 40s", fails: [/pre-upgrade hooks failed/] },
    { run: 'helm history base', says: [/1\s.*superseded/, /2\s.*deployed/, /3\s.*failed/] },
    { run: 'helm rollback base 1 --wait --timeout 40s', says: ['Rollback was a success'] },
    { run: 'kubectl get routes -o name', says: ['base-a\n', 'base-b\n'], saysNot: ['base-c'] },
    { run: 'helm upgrade base ./platform --set cache.enabled=false --wait --timeout 40s', says: ['REVISION: 5'] },
    { run: 'kubectl get statefulset base-cache', fails: ['statefulsets.apps "base-cache" not found'] },
    { run: 'helm get all base', says: ['kind: Route', 'helm.sh/hook'] },
    { run: 'helm uninstall base --wait --timeout 40s', says: ['release "base" uninstalled'] },
    { run: 'kubectl get routes -o name', says: [/^$/] },
    { run: 'kubectl get crd routes.platform.example.com -o name', says: ['customresourcedefinition'] },
    { run: 'kubectl get configmap base-farewell -o name', says: ['configmap/base-farewell'] },
    { run: "helm install bad ./platform --set 'routes={UPPER}' --timeout 20s", fails: ['Invalid value: "bad-UPPER"'] },
  ])
})
