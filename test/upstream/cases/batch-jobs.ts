/** Jobs: validation, defaults, what may change, and the rules of their status. */
import { type Case, create, creations, merged, namespaced, patch, replace, replacements, titled, updates } from '../upstream-case.ts'

const jobs = namespaced('batch/v1', 'jobs')
const plain = {
  metadata: { name: 'j' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } },
}
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 2 }
const spec = (value: object) => ({ spec: value })
const failing = (...rules: object[]) => spec({ podFailurePolicy: { rules } })
const succeeding = (...rules: object[]) => spec({ ...indexed, successPolicy: { rules } })
const exits = (onExitCodes: object, action = 'FailJob') => failing({ action, onExitCodes })
const many = <T>(count: number, item: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => item(i))

const created = creations(jobs, plain, {
  'the least': {},
  'no template': spec({ template: null }),
  'no spec': { spec: null },
  'pods that run for ever': spec({ template: { spec: { restartPolicy: 'Always' } } }),
  'pods without a policy': spec({ template: { spec: { restartPolicy: null } } }),
  'pods with a policy that is none': spec({ template: { spec: { restartPolicy: 'Perhaps' } } }),
  'negative counts': spec({
    parallelism: -1,
    completions: -1,
    activeDeadlineSeconds: -1,
    backoffLimit: -1,
    ttlSecondsAfterFinished: -1,
    backoffLimitPerIndex: -1,
    maxFailedIndexes: -1,
  }),
  'only parallelism': spec({ parallelism: 3 }),
  'only completions': spec({ completions: 3 }),
  'an unknown completion mode': spec({ completionMode: 'Sometimes' }),
  'indexes without an end': spec({ completionMode: 'Indexed' }),
  indexes: spec(indexed),
  'indexes and a name that is too long': { metadata: { name: 'j'.repeat(62) }, ...spec(indexed) },
  'indexes and a name with dots': { metadata: { name: 'a.b' }, ...spec(indexed) },
  'a great many indexes at once': spec({ completionMode: 'Indexed', completions: 200_000, parallelism: 100_001 }),
  'limits per index': spec({ ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 }),
  'limits per index without indexes': spec({ backoffLimitPerIndex: 1, maxFailedIndexes: 1 }),
  'failed indexes without a limit': spec({ ...indexed, maxFailedIndexes: 1 }),
  'limits per index of a great many': spec({
    completionMode: 'Indexed',
    completions: 200_000,
    parallelism: 20_000,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 20_000,
  }),
  'limits per index of a great many, unsaid': spec({
    completionMode: 'Indexed',
    completions: 200_000,
    parallelism: 1,
    backoffLimitPerIndex: 1,
  }),
  'too many failed indexes': spec({
    completionMode: 'Indexed',
    completions: 200_000,
    parallelism: 1,
    backoffLimitPerIndex: 1,
    maxFailedIndexes: 100_001,
  }),
  'per index and not yet a limit': spec({ ...indexed, backoffLimitPerIndex: 3 }),
  'managed by another': spec({ managedBy: 'acme.io/jobs' }),
  'managed by a word': spec({ managedBy: 'acme' }),
  'managed by nobody': spec({ managedBy: '' }),
  'managed by a long name': spec({ managedBy: `acme.io/${'j'.repeat(60)}` }),
  'managed by a path that is none': spec({ managedBy: 'Acme_io/a b' }),
  'an unknown replacement': spec({ podReplacementPolicy: 'Never' }),
  'replacement when failed': spec({ podReplacementPolicy: 'Failed' }),
  'replacement against the failure policy': merged(
    exits({ operator: 'In', values: [1] }),
    spec({ podReplacementPolicy: 'TerminatingOrFailed' }),
  ),
  'a manual selector without one': spec({ manualSelector: true }),
  'a manual selector': spec({
    manualSelector: true,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } } },
  }),
  'a manual selector that does not match': spec({ manualSelector: true, selector: { matchLabels: { a: 'b' } } }),
  'a selector that is none': spec({ manualSelector: true, selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }),
  'a selector that is not asked for': spec({ selector: { matchLabels: { a: 'b' } } }),
  'labels that are the controller’s': spec({
    template: { metadata: { labels: { 'job-name': 'x', 'batch.kubernetes.io/controller-uid': 'y' } } },
  }),
  'a failure policy': failing(
    { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'In', values: [1, 2] } },
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
    { action: 'Count', onExitCodes: { operator: 'NotIn', values: [0] } },
  ),
  'a failure policy of pods that are restarted': merged(exits({ operator: 'In', values: [1] }), {
    spec: { template: { spec: { restartPolicy: 'OnFailure' } } },
  }),
  'a rule without anything': failing({}),
  'a rule with an unknown action': failing({ action: 'Shrug', onExitCodes: { operator: 'In', values: [1] } }),
  'a rule of both kinds': failing({
    action: 'Ignore',
    onExitCodes: { operator: 'In', values: [1] },
    onPodConditions: [{ type: 'A', status: 'True' }],
  }),
  'failing an index without limits': exits({ operator: 'In', values: [1] }, 'FailIndex'),
  'codes without anything': exits({}),
  'codes with an unknown operator': exits({ operator: 'Between', values: [1] }),
  'codes of an unknown container': exits({ containerName: 'x', operator: 'In', values: [1] }),
  'codes of zero, twice and unordered': exits({ operator: 'In', values: [3, 0, 3, 1] }),
  'codes that are too many': exits({ operator: 'NotIn', values: many(256, (i) => i) }),
  'conditions that are none': failing({
    action: 'Ignore',
    onPodConditions: [
      { type: '', status: '' },
      { type: 'A b', status: 'Maybe' },
    ],
  }),
  'conditions that are too many': failing({ action: 'Ignore', onPodConditions: many(21, (i) => ({ type: `A${i}`, status: 'True' })) }),
  'rules that are too many': failing(...many(21, () => ({ action: 'Ignore', onPodConditions: [{ type: 'A', status: 'True' }] }))),
  'a success policy without indexes': spec({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
  'a success policy without rules': succeeding(),
  'a success policy': succeeding({ succeededIndexes: '0,2-3', succeededCount: 2 }, { succeededCount: 1 }),
  'a success rule without anything': succeeding({}),
  'success of too many': succeeding({ succeededCount: 6 }, { succeededCount: -1 }),
  'success of more than its indexes': succeeding({ succeededIndexes: '0-1', succeededCount: 3 }),
  'indexes that are none': succeeding(
    { succeededIndexes: '1-' },
    { succeededIndexes: 'x' },
    { succeededIndexes: '1-2-3' },
    { succeededIndexes: '3-2' },
    { succeededIndexes: '9' },
    { succeededIndexes: '1-9' },
    { succeededIndexes: '2,1' },
    { succeededIndexes: '1,1' },
    { succeededIndexes: '1,,2' },
    { succeededIndexes: '' },
    { succeededIndexes: '-1' },
  ),
  'success rules that are too many': succeeding(...many(21, () => ({ succeededCount: 1 }))),
  'a status that is given': { status: { active: 3, succeeded: 1 } },
  'a name with dots': { metadata: { name: 'a.b' } },
  'several things wrong': spec({
    parallelism: -1,
    managedBy: 'x',
    completionMode: 'Y',
    podFailurePolicy: { rules: [{ action: 'Z' }] },
    template: { spec: { restartPolicy: 'Always', containers: [{ name: 'C' }] } },
  }),
})

const placement = {
  'another node selector': spec({ template: { spec: { nodeSelector: { a: 'b' } } } }),
  'node affinity': spec({
    template: { spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } } },
  }),
  'other labels of the template': spec({ template: { metadata: { labels: { x: 'y' } } } }),
  'a toleration': spec({ template: { spec: { tolerations: [{ key: 'a', operator: 'Exists' }] } } }),
  'a gate': spec({ template: { spec: { schedulingGates: [{ name: 'a.b/c' }] } } }),
  'other resources': spec({
    template: { spec: { containers: [{ name: 'c', image: 'busybox', resources: { requests: { cpu: '1' } } }] } },
  }),
}
const suspended = merged(plain, spec({ suspend: true })) as typeof plain
const withIndexes = merged(plain, spec(indexed)) as typeof plain
const changed = [
  ...titled(
    'running',
    updates(jobs, plain, {
      'more at once': spec({ parallelism: 4 }),
      'more completions': spec({ completions: 4 }),
      'another mode': spec({ completionMode: 'Indexed' }),
      'another manager': spec({ managedBy: 'a.b/c' }),
      'a failure policy': exits({ operator: 'In', values: [1] }),
      'a limit per index': spec({ backoffLimitPerIndex: 2 }),
      'another backoff and deadline': spec({ backoffLimit: 1, activeDeadlineSeconds: 9, ttlSecondsAfterFinished: 9 }),
      'another selector': spec({ selector: { matchLabels: { a: 'b' } } }),
      'another label of the job': { metadata: { labels: { a: 'b' } } },
      suspended: spec({ suspend: true }),
    }),
  ),
  ...titled('suspended', updates(jobs, suspended, placement)),
  ...titled(
    'indexed',
    updates(jobs, withIndexes, {
      'more completions alone': spec({ completions: 7 }),
      'more completions and more at once': spec({ completions: 7, parallelism: 7 }),
      'no completions': spec({ completions: null }),
      'a success policy': spec({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
    }),
  ),
]

const idle: Case = {
  name: 'a suspended job whose pods are gone: its resources may change',
  given: [
    create(jobs, suspended),
    patch('merge', `${jobs}/j/status`, {
      status: { conditions: [{ type: 'Suspended', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    }),
  ],
  steps: [patch('merge', `${jobs}/j`, placement['other resources'])],
}

const at = (second: number) => `2026-01-01T00:00:0${second}Z`
const condition = (type: string, status = 'True') => ({ type, status, lastProbeTime: at(1), lastTransitionTime: at(1) })
const status = (value: object) => ({ status: value })
const done = { startTime: at(1), completionTime: at(3), conditions: [condition('SuccessCriteriaMet'), condition('Complete')] }
const lost = { startTime: at(1), conditions: [condition('FailureTarget'), condition('Failed')] }

const statuses: Case[] = titled('status', [
  ...replacements(
    jobs,
    plain,
    {
      'one that is': status({ active: 1, startTime: at(1), ready: 0, terminating: 0, uncountedTerminatedPods: {} }),
      complete: status(done),
      failed: status(lost),
      'negative counts': status({ active: -1, succeeded: -1, failed: -1, ready: -1, terminating: -1 }),
      'more ready than active': status({ active: 1, ready: 2 }),
      'uncounted pods twice and without a name': status({ uncountedTerminatedPods: { succeeded: ['a', 'a', ''], failed: ['a', ''] } }),
      'complete and failed': status({ ...done, conditions: [...done.conditions, ...lost.conditions] }),
      'complete too early': status({ ...done, conditions: [condition('Complete')] }),
      'complete without a time': status({ startTime: at(1), conditions: done.conditions }),
      'a completion without a condition': status({ startTime: at(1), completionTime: at(2) }),
      'a completion before the start': status({ ...done, completionTime: at(0) }),
      'failed without a reason': status({ startTime: at(1), conditions: [condition('Failed')] }),
      'finished and active': status({ ...done, active: 1, terminating: 1, uncountedTerminatedPods: { failed: ['x'] } }),
      'finished and never begun': status({ conditions: lost.conditions }),
      'indexes of a job without them': status({ completedIndexes: '0', failedIndexes: '1' }),
      'a condition without a time': status({ conditions: [{ type: 'Suspended', status: 'True' }] }),
    },
    'status',
  ),
  ...replacements(
    jobs,
    merged(plain, spec({ ...indexed, backoffLimitPerIndex: 1, successPolicy: { rules: [{ succeededCount: 1 }] } })) as typeof plain,
    {
      'indexes that are': status({ completedIndexes: '0,2', failedIndexes: '3-4' }),
      'indexes that overlap': status({ completedIndexes: '0-2', failedIndexes: '2' }),
      'indexes that are none': status({ completedIndexes: 'x', failedIndexes: '9' }),
      'success and failure': status({ startTime: at(1), conditions: [condition('SuccessCriteriaMet'), condition('FailureTarget')] }),
      'indexed, complete too early': status({ ...done, conditions: [condition('Complete')] }),
    },
    'status',
  ),
  {
    name: 'what a status does not take back',
    given: [create(jobs, plain), patch('merge', `${jobs}/j/status`, status({ ...done, succeeded: 2, failed: 2 }))],
    steps: [
      patch('merge', `${jobs}/j/status`, status({ succeeded: 1, failed: 1 })),
      patch('merge', `${jobs}/j/status`, status({ conditions: [] })),
      patch('merge', `${jobs}/j/status`, status({ completionTime: at(4) })),
      patch('merge', `${jobs}/j/status`, status({ startTime: at(2) })),
      replace(`${jobs}/j/status`, { metadata: { name: 'j' }, spec: { parallelism: 9 }, status: { ...done, succeeded: 2, failed: 2 } }),
    ],
  },
])

export const cases: readonly Case[] = [...created, ...changed, idle, ...statuses]
