/** Pods: binding, eviction, deletion and what is asked of a node. */
import { after, podWith, pods } from '../pod-cases.ts'
import { type Case, create, namespaced, patch, read, remove } from '../upstream-case.ts'

const at = `${pods}/p`
const bind = (target: object, more: object = {}) => create(`${at}/binding`, { metadata: { name: 'p' }, target, ...more })
const node = { kind: 'Node', name: 'n' }
const evict = (more: object = {}, name = 'p') =>
  create(`${at}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...more })
const running = patch('merge', `${at}/status`, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
const labelled = podWith({ nodeName: 'n' }, { labels: { app: 'a' } })
const budgets = namespaced('policy/v1', 'poddisruptionbudgets')
const budget = (name: string, spec: object) =>
  create(budgets, { metadata: { name }, spec: { selector: { matchLabels: { app: 'a' } }, ...spec } })
const allowed = (name: string, disruptionsAllowed: number) =>
  patch('merge', `${budgets}/${name}/status`, {
    status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  })

const refusals = 'upstream answers what the client did wrong as an error of its own, 500'

export const cases: readonly Case[] = [
  after('a binding', podWith({}), bind(node), read(at)),
  { ...after('a binding of another kind', podWith({}), bind({ kind: 'Rack', name: 'n' })), differs: refusals },
  { ...after('a binding to nothing', podWith({}), bind({})), differs: refusals },
  after(
    'a binding with annotations and labels',
    podWith({}),
    bind(node, { metadata: { name: 'p', annotations: { a: 'b' }, labels: { c: 'd' } } }),
    read(at),
  ),
  after('a binding under another name', podWith({}), bind(node, { metadata: { name: 'q' } })),
  after('a binding without a name', podWith({}), create(`${at}/binding`, { target: node })),
  after('an eviction without a name', podWith({}), create(`${at}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction' })),
  after('a binding of what is bound', podWith({}), bind(node), bind({ kind: 'Node', name: 'm' })),
  after('a binding of a gated pod', podWith({ schedulingGates: [{ name: 'a' }] }), bind(node)),
  {
    ...after('a binding with another uid', podWith({}), bind(node, { metadata: { name: 'p', uid: '1' } })),
    differs: 'upstream tells of its storage',
  },
  { name: 'a binding of no pod', steps: [create(`${pods}/none/binding`, { metadata: { name: 'none' }, target: node })] },
  after('a binding by the collection', podWith({}), create(namespaced('v1', 'bindings'), { metadata: { name: 'p' }, target: node })),
  after('a binding of a pod that is going', podWith({}, { finalizers: ['a/b'] }), remove(at), bind(node)),
  after('an eviction', podWith({}), evict(), read(at)),
  after('an eviction under another name', podWith({}), evict({}, 'q')),
  { name: 'an eviction of no pod', steps: [create(`${pods}/none/eviction`, { metadata: { name: 'none' } })] },
  after('an eviction as a trial', podWith({}), evict({ deleteOptions: { dryRun: ['All'] } })),
  after('an eviction with an odd trial', podWith({}), evict({ deleteOptions: { dryRun: ['Some'] } })),
  after(
    'an eviction of another version',
    podWith({}),
    create(`${at}/eviction`, { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p' } }),
  ),
  after('an eviction against a budget that has none left', labelled, running, budget('b', { minAvailable: 1 }), allowed('b', 0), evict()),
  after('an eviction against a budget that has not been looked at', labelled, running, budget('b', { minAvailable: 1 }), evict()),
  after('an eviction within a budget', labelled, running, budget('b', { minAvailable: 1 }), allowed('b', 1), evict(), read(`${budgets}/b`)),
  after('an eviction against two budgets', labelled, running, budget('a', { minAvailable: 1 }), budget('b', { minAvailable: 1 }), evict()),
  after(
    'an eviction of a pod that waits',
    podWith({}, { labels: { app: 'a' } }),
    budget('b', { minAvailable: 1 }),
    allowed('b', 0),
    evict(),
  ),
  after('an eviction with other preconditions', podWith({}), evict({ deleteOptions: { preconditions: { uid: '1' } } })),
  after(
    'a deletion with grace',
    podWith({ nodeName: 'n' }),
    remove(at),
    read(at),
    remove(at, { gracePeriodSeconds: 5 }),
    remove(at, { gracePeriodSeconds: 100 }),
    remove(at, { gracePeriodSeconds: 0 }),
  ),
  after('a deletion without a node', podWith({}), remove(at)),
  after('a deletion with negative grace', podWith({ nodeName: 'n' }), remove(at, { gracePeriodSeconds: -1 })),
  after('the log of a pod without a node', podWith({}), read(`${at}/log`)),
  after('the log of no container', podWith({}), read(`${at}/log?container=z`)),
  after(
    'the log of one of two',
    podWith({
      containers: [
        { name: 'c', image: 'x' },
        { name: 'd', image: 'x' },
      ],
      initContainers: [{ name: 'i', image: 'x' }],
    }),
    read(`${at}/log`),
  ),
  after('the log with odd options', podWith({}), read(`${at}/log?tailLines=-1&limitBytes=0&sinceSeconds=-5`)),
  after('the log since two times', podWith({}), read(`${at}/log?sinceSeconds=5&sinceTime=2024-01-01T00:00:00Z`)),
  after('a command in a pod without a node', podWith({}), create(`${at}/exec?command=x&stdout=true`, {})),
  after('a command in no container', podWith({}), create(`${at}/exec?command=x&container=z&stdout=true`, {})),
  after('nothing to run', podWith({}), create(`${at}/exec?stdout=true`, {})),
  after('attached to a pod without a node', podWith({}), create(`${at}/attach?stdout=true`, {})),
  after('ports of a pod without a node', podWith({}), create(`${at}/portforward`, {})),
  after('a pod without an address asked', podWith({}), read(`${at}/proxy/`)),
]
