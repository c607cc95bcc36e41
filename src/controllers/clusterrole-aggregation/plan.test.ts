import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterRole } from '../../kinds/generated/types/rbac-v1.ts'
import { aggregatedRules } from './plan.ts'

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
const role = (name: string, labels: Record<string, string>, ...resources: string[]): ClusterRole => ({
  metadata: { name, labels },
  rules: resources.map(rule),
})
const aggregate = (rules: ClusterRole['rules'] = []): ClusterRole => ({
  metadata: { name: 'view', labels: { to: 'view' } },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'view' } }, { matchLabels: { also: 'view' } }] },
  rules: rules ?? [],
})

test('takes each rule of the selected roles once, in order of their names, never its own', () => {
  const all = [
    aggregate([rule('old')]),
    role('b', { to: 'view' }, 'pods', 'secrets'),
    role('a', { to: 'view' }, 'pods'),
    role('c', { also: 'view' }, 'nodes'),
    role('d', {}, 'x'),
  ]
  const rules = aggregatedRules(all[0]!, all)
  assert.deepEqual(
    rules?.map(({ resources }) => resources?.[0]),
    ['pods', 'secrets', 'nodes'],
  )
  assert.equal(aggregatedRules(aggregate([...rules!]), all), undefined)
})

test('roles that aggregate each other come to rest', () => {
  const all = ['a', 'b', 'c'].map((name): ClusterRole => ({ ...aggregate([rule(name)]), metadata: { name, labels: { to: 'view' } } }))
  const step = () => {
    const changed = all.flatMap((one, i) => {
      const rules = aggregatedRules(one, all)
      return rules ? [{ i, rules }] : []
    })
    for (const { i, rules } of changed) all[i] = { ...all[i]!, rules: [...rules] }
    return changed.length
  }
  const steps = Array.from({ length: 6 }, step)
  assert.ok(steps[0]! > 0)
  assert.equal(steps.at(-1), 0)
})

test('leaves roles alone that aggregate nothing', () => assert.equal(aggregatedRules(role('a', {}, 'pods'), []), undefined))
