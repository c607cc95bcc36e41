import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from 'js-yaml'
import { podCondition } from '../../kinds/pod-status.ts'
import { testNode, testPod } from '../core/fixtures.ts'
import { withCluster } from '../sim-cluster.ts'
import { ConfigurationError } from './configuration-error.ts'
import { readConfiguration } from './scheduler-configuration.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { seededRandom } from '../../base/random.ts'

const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
const read = (yaml: string) => readConfiguration({ ...head, ...(load(yaml) as object) })
const defaults = [
  'NodeUnschedulable 1',
  'TaintToleration 3',
  'NodeAffinity 2',
  'NodePorts 1',
  'NodeResourcesFit 1',
  'PodTopologySpread 2',
  'InterPodAffinity 2',
  'NodeResourcesBalancedAllocation 1',
  'ImageLocality 1',
]

function checkPlugins(yaml: string, expected: readonly string[]): void {
  const plugins = read(yaml).profiles[0]!.plugins.filter((p) => p.weight > 0 || p.name.startsWith('Node'))
  assert.deepEqual(
    plugins.map((p) => `${p.name} ${p.weight || 1}`),
    expected,
  )
}

test('plugins and weights follow the profile', () => {
  checkPlugins('{}', defaults)
  checkPlugins('profiles: [{plugins: {multiPoint: {disabled: [{name: ImageLocality}]}}}]', defaults.slice(0, -1))
  checkPlugins(
    "profiles: [{plugins: {multiPoint: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit, weight: 5}, {name: NodePorts}]}}}]",
    ['NodePorts 1', 'NodeResourcesFit 5'],
  )
  checkPlugins('profiles: [{plugins: {score: {enabled: [{name: ImageLocality, weight: 7}]}}}]', [
    ...defaults.slice(0, -1),
    'ImageLocality 7',
  ])
})

/** The node that one pod of 1 CPU goes to when `full` has 3 of 4 CPUs in use and `empty` none. */
function choice(yaml: string): string {
  const core = new SchedulerCore({ plugins: read(yaml).profiles[0]!.plugins, random: seededRandom(1) })
  for (const name of ['full', 'empty']) core.snapshot.setNode(testNode({ name }))
  core.snapshot.addPod('default/x', testPod({ name: 'x', requests: { cpu: '3', memory: '12Gi' } }), 'full')
  const decision = core.decide({ key: 'default/p', pod: testPod({ name: 'p', requests: { cpu: '500m', memory: '1Gi' } }), priority: 0 })
  return decision.kind === 'Placed' ? core.snapshot.nodeName(decision.row) : 'nowhere'
}

test('args change what a plugin does', () => {
  const fit = (strategy: string) => `profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: ${strategy}}}]}]`
  assert.equal(choice('{}'), 'empty')
  assert.equal(choice(fit('{type: MostAllocated}')), 'full')
  const curve =
    '{type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}'
  assert.equal(choice(fit(curve)), 'full')
  const added =
    'profiles: [{pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [full]}]}]}}}}]}]'
  assert.equal(choice(added), 'full')
})

const byName = (name: string, args: string) => `profiles: [{pluginConfig: [{name: ${name}, args: ${args}}]}]`

/** How nodes with a pod that requires, and one that would like, the company of `app=web` score for such a pod beside an empty one. */
function affinityScores(args: string): Record<string, number> {
  const core = new SchedulerCore({
    plugins: read(byName('InterPodAffinity', args)).profiles[0]!.plugins.filter((p) => p.name === 'InterPodAffinity'),
    random: seededRandom(1),
  })
  for (const name of ['required', 'preferred', 'empty']) core.snapshot.setNode(testNode({ name }))
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } }
  const wishes = {
    required: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    preferred: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, podAffinityTerm: term }] },
  }
  for (const [name, podAffinity] of Object.entries(wishes))
    core.snapshot.addPod(`default/${name}`, testPod({ name, spec: { affinity: { podAffinity } } }), name)
  const decision = core.decide({ key: 'default/p', pod: testPod({ name: 'p', labels: { app: 'web' } }), priority: 0 })
  assert.ok(decision.kind === 'Placed')
  return Object.fromEntries(decision.best(3).map(({ row, score }) => [core.snapshot.nodeName(row), score]))
}

test('what pods that are there want counts by the args of InterPodAffinity', () => {
  assert.deepEqual(affinityScores('{}'), { preferred: 200, required: 4, empty: 0 })
  assert.deepEqual(affinityScores('{hardPodAffinityWeight: 100}'), { required: 200, preferred: 100, empty: 0 })
  assert.deepEqual(affinityScores('{hardPodAffinityWeight: 0}'), { preferred: 200, required: 0, empty: 0 })
  assert.deepEqual(affinityScores('{ignorePreferredTermsOfExistingPods: true}'), { preferred: 0, required: 0, empty: 0 })
})

/** Whether a node with one of them takes a pod that asks for two. */
function isTaken(yaml: string, resource: string): boolean {
  const core = new SchedulerCore({ plugins: read(yaml).profiles[0]!.plugins, random: seededRandom(1) })
  core.snapshot.setNode(testNode({ name: 'a', resources: { [resource]: '1' } }))
  return core.decide({ key: 'default/p', pod: testPod({ name: 'p', requests: { [resource]: '2' } }), priority: 0 }).kind === 'Placed'
}

test('resources that somebody else counts are left out: those named, those of a group, those that an extender says it counts', () => {
  const named = byName('NodeResourcesFit', '{ignoredResources: [example.com/gpu, cpu], ignoredResourceGroups: [other.example]}')
  assert.equal(isTaken('{}', 'example.com/gpu'), false)
  assert.equal(isTaken(named, 'example.com/gpu'), true)
  assert.equal(isTaken(named, 'other.example/any'), true)
  assert.equal(isTaken(named, 'example.com/other'), false)
  assert.equal(isTaken(named, 'cpu'), false)
  const extender = (ignoredByScheduler: boolean) =>
    `extenders: [{urlPrefix: "http://127.0.0.1:1", filterVerb: f, managedResources: [{name: example.com/gpu, ignoredByScheduler: ${ignoredByScheduler}}]}]`
  assert.equal(isTaken(extender(false), 'example.com/gpu'), false)
  assert.equal(isTaken(extender(true), 'example.com/gpu'), true)
})

test('what is taken away of multiPoint, filter and postFilter can be all but what is added', () => {
  const offOf = (plugins: string) => {
    const { disabled, postFilters } = read(`profiles: [{plugins: ${plugins}}]`).profiles[0]!
    return { disabled: [...disabled].sort(), postFilters: [...postFilters] }
  }
  const others = ['DynamicResources', 'NodeVolumeLimits', 'VolumeBinding', 'VolumeRestrictions', 'VolumeZone']
  assert.deepEqual(offOf("{postFilter: {disabled: [{name: '*'}]}}"), { disabled: [], postFilters: [] })
  assert.deepEqual(offOf("{postFilter: {disabled: [{name: '*'}], enabled: [{name: DefaultPreemption}]}}"), {
    disabled: [],
    postFilters: ['DefaultPreemption'],
  })
  assert.deepEqual(offOf('{filter: {disabled: [{name: VolumeZone}]}}'), {
    disabled: ['VolumeZone'],
    postFilters: ['DynamicResources', 'DefaultPreemption'],
  })
  assert.deepEqual(offOf("{multiPoint: {disabled: [{name: '*'}], enabled: [{name: VolumeZone}]}}"), {
    disabled: others.filter((name) => name !== 'VolumeZone'),
    postFilters: [],
  })
})

function checkRefused(yaml: string, message: RegExp): void {
  assert.throws(
    () => read(yaml),
    (error: unknown) => error instanceof ConfigurationError && message.test(error.message),
  )
}

test('a wrong configuration says where and why', () => {
  checkRefused('apiVersion: kubescheduler.config.k8s.io/v1beta3', /no kind "KubeSchedulerConfiguration" is registered for version/)
  checkRefused('profile: []', /unknown field "profile"/)
  checkRefused('profiles: []', /profiles: Required value/)
  checkRefused(
    'profiles: [{}, {}]',
    /profiles\[0\]\.schedulerName: Duplicate value: "default-scheduler"|profiles\[1\]\.schedulerName: Duplicate/,
  )
  checkRefused('profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]', /plugin "Mine" does not exist/)
  checkRefused(
    'profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Best}}}]}]',
    /scoringStrategy\.type: Unsupported/,
  )
  checkRefused(
    'profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]',
    /plugin InterPodAffinity: args\.hardPodAffinityWeight: Invalid value: 101: not in valid range \[0, 100\]/,
  )
  checkRefused(
    'profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {ignoredResourceGroups: [example.com/a]}}]}]',
    /args\.ignoredResourceGroups\[0\]: Invalid value: "example\.com\/a": resource group name can't contain '\/'/,
  )
  checkRefused('podInitialBackoffSeconds: 0', /must be greater than 0/)
  checkRefused('{podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 2}', /greater than or equal to PodInitialBackoffSeconds/)
  checkRefused('extenders: [{urlPrefix: nowhere}]', /extenders\[0\]\.urlPrefix/)
  checkRefused('extenders: [{urlPrefix: "http://127.0.0.1:1", prioritizeVerb: p}]', /must have a positive weight/)
})

test('each scheduler name has its own profile, on one cluster', () => {
  const { profiles } = read(
    'profiles: [{schedulerName: default-scheduler}, {schedulerName: packing, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: MostAllocated}}}], plugins: {postFilter: {disabled: [{name: DefaultPreemption}]}}}]',
  )
  return withCluster(
    1,
    async (c) => {
      for (const name of ['a', 'b']) await c.addNode({ name })
      await c.addPod({ name: 'first', requests: { cpu: '1' }, spec: { schedulerName: 'packing' } })
      await c.until('bound', async () => (await c.pod('first')).spec?.nodeName !== undefined)
      const first = (await c.pod('first')).spec!.nodeName!
      await c.addPod({ name: 'second', requests: { cpu: '1' }, spec: { schedulerName: 'packing' } })
      await c.until('packed', async () => (await c.pod('second')).spec?.nodeName === first)
      await c.addPod({ name: 'third', requests: { cpu: '1' } })
      await c.until('spread', async () => ![undefined, first].includes((await c.pod('third')).spec?.nodeName))
      await c.addPod({ name: 'big', requests: { cpu: '8' }, spec: { schedulerName: 'packing' } })
      await c.until(
        'a reason without preemption',
        async () =>
          podCondition(await c.pod('big'), 'PodScheduled')?.message ===
          '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate',
      )
      await c.addPod({ name: 'foreign', spec: { schedulerName: 'somebody-else' } })
      await c.clock.advance(5_000)
      assert.equal((await c.pod('foreign')).spec?.nodeName, undefined)
    },
    { profiles },
  )
})

test('a new node wakes the pods of a profile that minds nothing about it', () => {
  const { profiles } = read('profiles: [{schedulerName: bold, plugins: {filter: {disabled: [{name: TaintToleration}]}}}]')
  return withCluster(
    1,
    async (c) => {
      await c.addNode({ name: 'small', cpu: '1' })
      await c.addPod({ name: 'p', requests: { cpu: '2' }, spec: { schedulerName: 'bold' } })
      await c.until('a reason', async () => podCondition(await c.pod('p'), 'PodScheduled') !== undefined)
      await c.addNode({ name: 'tainted', taints: [{ key: 'k', effect: 'NoSchedule' }] })
      await c.until('bound', async () => (await c.pod('p')).spec?.nodeName === 'tainted')
    },
    { profiles },
  )
})
