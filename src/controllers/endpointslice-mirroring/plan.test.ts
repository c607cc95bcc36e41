import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoints, Service } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
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

const planned = (source: Endpoints | undefined, slices: readonly EndpointSlice[], perSubsetMax?: number) =>
  planMirror(source, slices, perSubsetMax).actions

test('addresses of the same ports become the endpoints of one slice, and then it rests', () => {
  const made = planned(endpoints(150), [])
  assert.deepEqual(
    made.map(({ type, slice }) => [type, slice.endpoints?.length, slice.ports]),
    [['create', 150, [{ name: '', protocol: 'TCP', port: 5432 }]]],
  )
  const slices = made.map(({ slice }) => slice)
  assert.deepEqual(planned(endpoints(150), slices), [])
  assert.deepEqual(
    planned(endpoints(40), slices).map(({ type }) => type),
    ['update'],
  )
  assert.deepEqual(
    planned(undefined, slices).map(({ type }) => type),
    ['delete'],
  )
  assert.equal(planned(endpoints(1, false), [])[0]?.slice.endpoints?.[0]?.conditions?.ready, false)
})

test('subsets with the same ports are one, the ready addresses first', () => {
  const [first, second] = [endpoints(2, false), endpoints(2)].map(({ subsets }) => subsets?.[0])
  const source = { ...endpoints(1), subsets: [first!, second!] }
  const [made, ...others] = planned(source, [], 3)
  assert.deepEqual(others, [])
  assert.deepEqual(
    made?.slice.endpoints?.map(({ conditions }) => conditions?.ready),
    [true, true, false],
  )
})

test('what is too much is left, and told', () => {
  const { actions, events } = planMirror(endpoints(1_200), [])
  assert.equal(actions[0]?.slice.endpoints?.length, 1_000)
  assert.deepEqual(events, [
    {
      type: 'Warning',
      reason: 'TooManyAddressesToMirror',
      message: 'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 200 addresses were skipped',
    },
  ])
})
