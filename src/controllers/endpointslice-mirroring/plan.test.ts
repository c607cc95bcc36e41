import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoints, Service } from '../../kinds/generated/types/core-v1.ts'
import { planMirror, shouldMirror } from './plan.ts'

const endpoints = (count: number, ready = true): Endpoints => ({
  metadata: { name: 'db', namespace: 'd', uid: 'e', labels: { a: 'b' } },
  subsets: [
    {
      [ready ? 'addresses' : 'notReadyAddresses']: Array.from({ length: count }, (_, i) => ({ ip: `192.0.2.${i % 250}` })),
      ports: [{ port: 5432 }],
    },
  ],
})
const service = (selector?: Record<string, string>): Service => ({ metadata: { name: 'db' }, spec: selector ? { selector } : {} })

const cases: [string, Endpoints | undefined, Service | undefined, boolean][] = [
  ['a service without a selector', endpoints(1), service(), true],
  ['a service with a selector', endpoints(1), service({ a: 'b' }), false],
  ['no service', endpoints(1), undefined, false],
  [
    'Endpoints that ask to be left alone',
    { ...endpoints(1), metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } },
    service(),
    false,
  ],
  [
    'a leader’s lock',
    { ...endpoints(1), metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } } },
    service(),
    false,
  ],
]
for (const [title, source, svc, expected] of cases)
  test(`${expected ? 'mirrors' : 'does not mirror'}: ${title}`, () => assert.equal(shouldMirror(source, svc), expected))

test('addresses become endpoints, a hundred a slice, and then it rests', () => {
  const made = planMirror(endpoints(150), [])
  assert.deepEqual(
    made.map(({ type, slice }) => [type, slice.endpoints?.length, slice.ports]),
    [
      ['create', 100, [{ name: '', protocol: 'TCP', port: 5432 }]],
      ['create', 50, [{ name: '', protocol: 'TCP', port: 5432 }]],
    ],
  )
  const slices = made.map(({ slice }) => slice)
  assert.deepEqual(planMirror(endpoints(150), slices), [])
  assert.deepEqual(
    planMirror(endpoints(40), slices).map(({ type }) => type),
    ['update', 'delete'],
  )
  assert.deepEqual(
    planMirror(undefined, slices).map(({ type }) => type),
    ['delete', 'delete'],
  )
  assert.equal(planMirror(endpoints(1, false), [])[0]?.slice.endpoints?.[0]?.conditions?.ready, false)
})
