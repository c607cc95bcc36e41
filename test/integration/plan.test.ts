import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { checkRows, type ClientCluster, startClientCluster } from './stock-clients.ts'

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
  cluster.write('keelson', `#!/bin/sh\nexec ${process.execPath} ${resolve('src/roles/main.ts')} "$@"\n`)
})
after(() => cluster.close())

const deployment = (replicas: number, cpu: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: 'web:1', resources: { requests: { cpu: ${cpu} } } }] }
`

const set = `apiVersion: v1
kind: Namespace
metadata: { name: fresh }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: fresh }
spec:
  replicas: 2
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: 'db:1' }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: logs, namespace: fresh }
spec:
  selector: { matchLabels: { app: logs } }
  template:
    metadata: { labels: { app: logs } }
    spec: { containers: [{ name: logs, image: 'logs:1' }] }
`

test('keelson plan', async (t) => {
  cluster.write('web.yaml', deployment(4, '1'))
  cluster.write('bigger.yaml', deployment(6, '1'))
  cluster.write('huge.yaml', deployment(2, '400'))
  cluster.write('set.yaml', set)
  cluster.write('bad.yaml', 'kind: Deployment')
  await checkRows(t, cluster, [
    { run: './keelson plan -f web.yaml', says: ['4 of 4 pods would be placed', 'deployment/web: node-1 ×2, node-2 ×2'] },
    { run: 'kubectl get deployments -A', saysNot: ['web'] },
    { run: './keelson plan -f huge.yaml', says: ['2 would not fit', '0/2 nodes are available: 2 Insufficient cpu.'] },
    { run: './keelson plan -f set.yaml', says: ['4 of 4 pods would be placed', 'statefulset/db: ', 'daemonset/logs: node-1, node-2'] },
    { run: 'kubectl apply -f web.yaml && kubectl rollout status deployment/web --timeout=20s' },
    { run: './keelson plan -f web.yaml', says: ['nothing would change'] },
    { run: './keelson plan -f bigger.yaml', says: ['2 of 2 pods would be placed'] },
    { run: './keelson plan --drain node-1', says: ['replicaset/web-', 'drained: node-2 ×2'] },
    { run: './keelson plan --without node-1 --nodes-add 1:like=node-2 -o json', says: ['"kind": "PlacementPlan"', '"added-1"'] },
    { run: './keelson plan --drain missing', fails: ['there is no node missing'] },
    { run: './keelson plan', fails: ['nothing to plan: give -f FILE'] },
    { run: './keelson plan -f missing.yaml', fails: ['cannot read missing.yaml'] },
    { run: './keelson plan -f bad.yaml', fails: ['lacks apiVersion, kind or metadata.name'] },
    { run: './keelson plan --nodes-add many', fails: ['cannot use --nodes-add many'] },
  ])
})

test('docs/scheduling.md: what the page plans can be planned', async () => {
  cluster.write('app.yaml', deployment(3, '100m'))
  const block = docBlocks('docs/scheduling.md', 'sh').find((b) => b.heading === 'Planning')
  const { code, stderr } = await cluster.sh(`set -e\nkeelson() { ./keelson "$@"; }\n${block?.text}`)
  assert.equal(code, 0, stderr)
})
