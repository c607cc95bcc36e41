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
