/** What becomes of dependents when nobody says, and objects that nobody has named. */
import { type Case, clusterWide, create, namespaced, read, remove, replace, type Request } from '../upstream-case.ts'

const pod = { metadata: { labels: { a: 'b' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
const jobs = namespaced('batch/v1', 'jobs')
const job = create(jobs, { metadata: { name: 'x' }, spec: { suspend: true, template: { spec: pod.spec } } })
const controllers = namespaced('v1', 'replicationcontrollers')
const controller = create(controllers, {
  metadata: { name: 'x' },
  spec: { replicas: 0, template: { ...pod, spec: { containers: pod.spec.containers } } },
})
const sets = namespaced('apps/v1', 'replicasets')
const set = create(sets, {
  metadata: { name: 'x' },
  spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: { ...pod, spec: { containers: pod.spec.containers } } },
})

const said: Readonly<Record<string, object | undefined>> = {
  nothing: undefined,
  'an empty body': {},
  Background: { propagationPolicy: 'Background' },
  Foreground: { propagationPolicy: 'Foreground' },
  Orphan: { propagationPolicy: 'Orphan' },
  'to orphan': { orphanDependents: true },
  'not to orphan': { orphanDependents: false },
  'a dry run': { dryRun: ['All'] },
}
const each = (kind: string, made: Request): Case[] =>
  Object.entries(said).map(([what, body]) => ({ name: `${kind}: ${what}`, given: [made], steps: [remove(`${made.path}/x`, body)] }))
const kept = (made: Request, finalizer: string): Request => ({
  ...made,
  body: { ...(made.body as object), metadata: { name: 'x', finalizers: [finalizer] } },
})

const nameless = [
  namespaced('v1', 'persistentvolumeclaims'),
  namespaced('apps/v1', 'deployments'),
  namespaced('networking.k8s.io/v1', 'ingresses'),
  namespaced('v1', 'configmaps'),
  clusterWide('storage.k8s.io/v1', 'storageclasses'),
  clusterWide('node.k8s.io/v1', 'runtimeclasses'),
]

export const cases: readonly Case[] = [
  ...each('a job', job),
  ...each('a replication controller', controller),
  ...each('a replica set', set),
  { name: 'a job that waits for its dependents', given: [kept(job, 'foregroundDeletion')], steps: [remove(`${jobs}/x`)] },
  {
    name: 'a job that keeps its dependents',
    given: [kept(job, 'orphan')],
    steps: [remove(`${jobs}/x`, { propagationPolicy: 'Background' })],
  },
  { name: 'no job', steps: [remove(`${jobs}/none`)] },
  { name: 'jobs of which there are none', steps: [remove(jobs)] },
  { name: 'jobs of which there are none, in the background', steps: [remove(jobs, { propagationPolicy: 'Background' })] },
  ...nameless.map((path): Case => ({ name: `nothing of ${path.split('/').at(-1)}`, steps: [create(path, {})] })),
  {
    name: 'a class that a replacement makes',
    steps: [
      replace(clusterWide('node.k8s.io/v1', 'runtimeclasses/upstream-made'), { metadata: { name: 'upstream-made' }, handler: 'h' }),
      read(clusterWide('node.k8s.io/v1', 'runtimeclasses/upstream-made')),
    ],
  },
  {
    name: 'finalizers of a lease',
    steps: [create(namespaced('coordination.k8s.io/v1', 'leases'), { metadata: { name: 'x', finalizers: ['x'] }, spec: {} })],
  },
]
