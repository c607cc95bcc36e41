import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { planConditions, planDeletions, type Remaining } from './plan.ts'

const { pods, configMaps } = kindRefs.coreV1
const { deployments } = kindRefs.appsV1
const things = (kind: Remaining['kind'], ...finalizers: string[][]): Remaining => ({
  kind,
  objects: finalizers.map((list) => ({ metadata: { ...(list.length > 0 ? { finalizers: list, deletionTimestamp: 't' } : {}) } })),
})

const orders: [string, Remaining[], string[]][] = [
  ['pods go before everything else', [things(configMaps, []), things(pods, [])], ['pods']],
  ['the rest follows', [things(configMaps, []), things(deployments, [])], ['configmaps', 'deployments']],
  ['the rest waits for pods that are ending', [things(configMaps, []), things(pods, ['x'])], []],
  ['what is being deleted is not deleted again', [things(configMaps, ['x/y'])], []],
]
for (const [title, remaining, expected] of orders)
  test(title, () =>
    assert.deepEqual(
      planDeletions(remaining).map(({ plural }) => plural),
      expected,
    ),
  )

test('conditions say what remains and what it waits for', () => {
  const namespace = { metadata: { name: 'n' } }
  const remaining = [things(pods, ['a/b'], ['a/b'], []), things(deployments, [])]
  const conditions = planConditions({ namespace, remaining, failures: ['secrets.'] }, 0)
  assert.deepEqual(
    conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'],
      ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
      ['NamespaceDeletionContentFailure', 'True', 'ContentDeletionFailed', 'Failed to delete all resource types, 1 remaining: secrets.'],
      [
        'NamespaceContentRemaining',
        'True',
        'SomeResourcesRemain',
        'Some resources are remaining: deployments.apps has 1 resource instances, pods. has 3 resource instances',
      ],
      [
        'NamespaceFinalizersRemaining',
        'True',
        'SomeFinalizersRemain',
        'Some content in the namespace has finalizers remaining: a/b in 2 resource instances',
      ],
    ],
  )
  const later = planConditions({ namespace: { ...namespace, status: { conditions } }, remaining, failures: ['secrets.'] }, 60_000)
  assert.deepEqual(later, conditions, 'nothing changes while nothing changes')
})
