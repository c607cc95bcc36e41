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

const kubeSchedulerConfiguration = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{ schedulerName: default-scheduler }, { schedulerName: packing }]
`

const rebalancerConfiguration = `apiVersion: keelson.dev/v1alpha1
kind: RebalancerConfiguration
strategies: [Violations, Duplicates]
movesMax: 2
`

test('keelson plan', async (t) => {
  cluster.write('web.yaml', deployment(4, '1'))
  cluster.write('bigger.yaml', deployment(6, '1'))
  cluster.write('huge.yaml', deployment(2, '400'))
  cluster.write('set.yaml', set)
  cluster.write('packed.yaml', deployment(4, '1').replace('spec: { containers', 'spec: { schedulerName: packing, containers'))
  cluster.write('profiles.yaml', kubeSchedulerConfiguration)
  cluster.write('rebalancer.yaml', rebalancerConfiguration)
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
    { run: './keelson plan -f packed.yaml', says: ['its scheduler "packing" is none of the profiles'] },
    { run: './keelson plan -f packed.yaml --scheduler-config profiles.yaml', says: ['4 of 4 pods would be placed'] },
    { run: './keelson plan -f packed.yaml --scheduler-config missing.yaml', fails: ['cannot read missing.yaml'] },
    { run: './keelson plan --rebalance --rebalance-config rebalancer.yaml', says: ['nothing would change', 'then, by the rebalancer: '] },
    { run: './keelson plan --rebalance -o json', says: ['"rebalance": {', '"moves": ['] },
    { run: './keelson rebalance --rebalance-config rebalancer.yaml', says: ['should move'] },
    { run: './keelson rebalance --rebalance-config profiles.yaml', fails: ['cannot use profiles.yaml: '] },
    { run: './keelson plan --drain node-1,node-2', says: ['0 of 4 pods would be placed, 4 would not fit'] },
    { run: './keelson plan --drain node-1 --drain node-2', says: ['0 of 4 pods would be placed, 4 would not fit'] },
    { run: './keelson plan --without node-1,node-2 --nodes-add 1:like=node-2', says: ['replicaset/web-', 'its node gone: added-1 ×4'] },
    { run: './keelson plan --drain missing', fails: ['there is no node missing'] },
    { run: './keelson plan --drain node-1,away,gone --without node-2,gone', fails: ['there is no node gone, away'] },
    { run: './keelson plan --drain ""', fails: ['there is no node ""'] },
    { run: './keelson plan', fails: ['nothing to plan: give -f FILE'] },
    { run: './keelson plan -f missing.yaml', fails: ['cannot read missing.yaml'] },
    { run: 'KUBECONFIG=/nowhere HOME=/nowhere ./keelson plan -f missing.yaml', fails: ['cannot read missing.yaml'] },
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

test('keelson rebalance', async (t) => {
  await checkRows(t, cluster, [
    { run: './keelson rebalance', says: ['nothing should move'] },
    { run: 'kubectl cordon node-2 && kubectl create deployment both --image=both:1 --replicas=2' },
    { run: 'kubectl rollout status deployment/both --timeout=60s && kubectl uncordon node-2' },
    {
      run: './keelson rebalance --strategy Duplicates',
      says: ['1 pod should move', 'node-1 → node-2, gains 50 %', '2 of 2 pods of one owner are on this node'],
    },
    { run: './keelson rebalance --strategy Duplicates --gain-min 60', says: ['nothing should move', 'would gain 50 %, less than 60 %'] },
    { run: './keelson rebalance --strategy Duplicates -o json', says: ['"kind": "RebalancePlan"', '"gain": 50'] },
    { run: './keelson rebalance --strategy Duplicates --execute', says: ['carried out', ': evicted'] },
    { run: 'kubectl rollout status deployment/both --timeout=60s' },
    {
      run: 'kubectl wait --for=jsonpath={.spec.nodeName}=node-2 pod -l app=both --timeout=1s || kubectl get pods -l app=both -o wide',
      says: ['node-2'],
    },
    { run: './keelson rebalance --strategy Wishes', fails: ['there is no strategy "Wishes"'] },
    { run: './keelson rebalance --moves-max 0', fails: ['--moves-max must be a whole number of at least 1'] },
    { run: './keelson rebalance --gain-min much', fails: ['--gain-min must be a percentage'] },
    { run: './keelson rebalance --execute --dry-run', fails: ['cannot be used with'] },
  ])
})

test('docs/scheduling.md: the commands about rebalancing run', async () => {
  const block = docBlocks('docs/scheduling.md', 'sh').find((b) => b.heading === 'Rebalancing')
  const { code, stderr } = await cluster.sh(`set -e\nkeelson() { ./keelson "$@"; }\n${block?.text}`)
  assert.equal(code, 0, stderr)
})

test('keelson explain by a workload says why it has no pods, or not all', async (t) => {
  cluster.write('one.yaml', deployment(2, '1m').replaceAll('web', 'part'))
  await checkRows(t, cluster, [
    { run: 'kubectl create namespace tight && kubectl create quota none --hard=pods=0 -n tight' },
    { run: 'kubectl create deployment full --image=full:1 -n tight && kubectl create job once --image=once:1 -n tight' },
    { run: 'kubectl wait --for=condition=ReplicaFailure deployment/full -n tight --timeout=30s' },
    { run: './keelson explain deployment/full -n tight', fails: ['deployment/full has no pods: pods "full-', 'exceeded quota: none'] },
    { run: 'until kubectl get events -n tight | grep -q job/once; do sleep 0.2; done' },
    { run: './keelson explain job/once -n tight', fails: ['job/once has no pods: ', 'exceeded quota: none'] },
    { run: 'kubectl create deployment none --image=none:1 --replicas=0 -n tight' },
    { run: './keelson explain deployment/none -n tight', fails: ['deployment/none has no pods: it asks for none'] },
    { run: 'kubectl create namespace small && kubectl create quota one --hard=pods=1 -n small && kubectl apply -f one.yaml -n small' },
    { run: 'kubectl wait --for=condition=ReplicaFailure deployment/part -n small --timeout=30s' },
    {
      run: './keelson explain deployment/part -n small 2>&1',
      says: ['deployment/part lacks pods: ', 'exceeded quota: one', 'placed on node-'],
    },
  ])
})
