/** Pods: where they may run. */
import { specs } from '../pod-cases.ts'
import type { Case } from '../upstream-case.ts'

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'
const nodes = (...nodeSelectorTerms: object[]) => ({ affinity: { nodeAffinity: { [required]: { nodeSelectorTerms } } } })
const expressions = (...matchExpressions: object[]) => nodes({ matchExpressions })
const fields = (...matchFields: object[]) => nodes({ matchFields })
const near = (...terms: object[]) => ({ affinity: { podAffinity: { [required]: terms } } })
const term = (change: object) => near({ topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } }, ...change })
const spread = (...topologySpreadConstraints: object[]) => ({ topologySpreadConstraints })
const even = (change: object) =>
  spread({ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { a: 'b' } }, ...change })
const tolerations = (...list: object[]) => ({ tolerations: list })
const gates = (...names: string[]) => ({ schedulingGates: names.map((name) => ({ name })) })

export const cases: readonly Case[] = specs({
  'a bad label of nodes': { nodeSelector: { 'a b': 'c' } },
  'a bad label value of nodes': { nodeSelector: { a: 'b c' } },
  'a node name that is none': { nodeName: 'A_b' },
  'node affinity without terms': nodes(),
  'node affinity with an empty term': nodes({}),
  'an unknown operator': expressions({ key: 'a', operator: 'Near', values: ['b'] }),
  'no operator': expressions({ key: 'a' }),
  'in nothing': expressions({ key: 'a', operator: 'In' }),
  'not in nothing': expressions({ key: 'a', operator: 'NotIn', values: [] }),
  'exists with values': expressions({ key: 'a', operator: 'Exists', values: ['b'] }),
  'greater than two values': expressions({ key: 'a', operator: 'Gt', values: ['1', '2'] }),
  'greater than no number': expressions({ key: 'a', operator: 'Gt', values: ['x'] }),
  'a bad key and values': expressions({ key: 'a b', operator: 'In', values: ['c d', 'e'] }),
  'an empty key': expressions({ key: '', operator: 'Exists' }),
  'a field': fields({ key: 'metadata.name', operator: 'In', values: ['n'] }),
  'a field in two': fields({ key: 'metadata.name', operator: 'In', values: ['n', 'm'] }),
  'a field that exists': fields({ key: 'metadata.name', operator: 'Exists' }),
  'an unknown field': fields({ key: 'metadata.uid', operator: 'In', values: ['n'] }),
  'a field with a bad node name': fields({ key: 'metadata.name', operator: 'NotIn', values: ['A_b'] }),
  'a preferred term of no weight': {
    affinity: { nodeAffinity: { [preferred]: [{ weight: 0, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }] } },
  },
  'a preferred term of a bad value': {
    affinity: {
      nodeAffinity: { [preferred]: [{ weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] } }] },
    },
  },
  'a preferred term of a bad key': {
    affinity: { nodeAffinity: { [preferred]: [{ weight: 101, preference: { matchExpressions: [{ key: '', operator: 'Is' }] } }] } },
  },
  'near pods without a topology': term({ topologyKey: '' }),
  'near pods with a bad topology': term({ topologyKey: 'a b' }),
  'near pods of a bad namespace': term({ namespaces: ['A'] }),
  'near pods of a bad selector': term({ labelSelector: { matchLabels: { 'a b': 'c' } } }),
  'near pods of an unknown operator': term({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }),
  'near pods in nothing': term({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
  'near pods that exist with values': term({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }),
  'near pods of bad values': term({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] } }),
  'near pods of a bad namespace selector': term({ namespaceSelector: { matchLabels: { a: 'b c' } } }),
  'near pods by keys': term({ matchLabelKeys: ['c'], mismatchLabelKeys: ['d'] }),
  'near pods by keys without a selector': near({ topologyKey: 'zone', matchLabelKeys: ['c'], mismatchLabelKeys: ['d'] }),
  'near pods by bad keys': term({ matchLabelKeys: ['a b'], mismatchLabelKeys: ['c d'] }),
  'near pods by a key both ways': term({ matchLabelKeys: ['c'], mismatchLabelKeys: ['c'] }),
  'near pods by a key that the selector has': term({ matchLabelKeys: ['a'] }),
  'near pods of bad weight': { affinity: { podAffinity: { [preferred]: [{ weight: 0, podAffinityTerm: { topologyKey: '' } }] } } },
  'far from pods without a topology': {
    affinity: {
      podAntiAffinity: { [required]: [{ topologyKey: '' }], [preferred]: [{ weight: 200, podAffinityTerm: { topologyKey: 'a b' } }] },
    },
  },
  'spread without anything': spread({}),
  'spread of no skew': even({ maxSkew: 0 }),
  'spread of an unknown action': even({ whenUnsatisfiable: 'Perhaps' }),
  'spread twice': spread(
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' },
    { maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' },
  ),
  'spread over no domains': even({ minDomains: 0 }),
  'spread over least domains anyway': even({ minDomains: 2, whenUnsatisfiable: 'ScheduleAnyway' }),
  'spread with unknown node policies': even({ nodeAffinityPolicy: 'Perhaps', nodeTaintsPolicy: 'Perhaps' }),
  'spread by keys': even({ matchLabelKeys: ['c'] }),
  'spread by bad keys': even({ matchLabelKeys: ['a b'] }),
  'spread by a key that the selector has': even({ matchLabelKeys: ['a'] }),
  'spread by keys without a selector': spread({
    maxSkew: 1,
    topologyKey: 'zone',
    whenUnsatisfiable: 'DoNotSchedule',
    matchLabelKeys: ['c'],
  }),
  'spread of a bad selector': even({ labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }),
  'a toleration of nothing': tolerations({}),
  'a toleration of everything': tolerations({ operator: 'Exists' }),
  'a toleration of everything with a value': tolerations({ operator: 'Exists', value: 'a' }),
  'a toleration of an unknown operator': tolerations({ key: 'a', operator: 'Near' }),
  'a toleration of a bad key': tolerations({ key: 'a b', operator: 'Exists' }),
  'a toleration of a bad value': tolerations({ key: 'a', value: 'b c' }),
  'a toleration of an unknown effect': tolerations({ key: 'a', operator: 'Exists', effect: 'Explode' }),
  'a toleration for a while of another effect': tolerations({ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 5 }),
  'a toleration for a while of no effect': tolerations({ key: 'a', operator: 'Exists', tolerationSeconds: 5 }),
  gates: gates('example.com/a'),
  'a gate twice': gates('a', 'a'),
  'a bad gate': gates('a b', ''),
  'gates on a pod with a node': { ...gates('a'), nodeName: 'n' },
  'a bad readiness gate': { readinessGates: [{ conditionType: 'a b' }, { conditionType: '' }] },
  'an unknown preemption': { preemptionPolicy: 'Perhaps' },
  'a negative deadline': { activeDeadlineSeconds: -1 },
  'no deadline': { activeDeadlineSeconds: 0 },
  'a deadline beyond all': { activeDeadlineSeconds: 2147483648 },
  'a negative grace': { terminationGracePeriodSeconds: -5 },
})
