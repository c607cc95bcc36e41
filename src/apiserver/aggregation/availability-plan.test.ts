import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { planRegistration } from './auto-registration.ts'
import { passed, planAvailability, withAvailability } from './availability-plan.ts'
import { localApiService, registeredVersions } from './local-api-services.ts'
import { identityHeaders } from './remote-server.ts'

const apiService = {
  metadata: { name: 'v1.x' },
  spec: { groupPriorityMinimum: 1, versionPriority: 1, service: { name: 's', namespace: 'n', port: 443 } },
}
const service = (port: number, type: 'ClusterIP' | 'ExternalName' = 'ClusterIP'): Service => ({
  metadata: {},
  spec: { type, ports: [{ name: 'api', port }] },
})
const slice = (name: string, ready: boolean | undefined): EndpointSlice => ({
  metadata: {},
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], conditions: ready === undefined ? {} : { ready } }],
  ports: [{ name, port: 8443 }],
})
const cases: readonly (readonly [string, Service | undefined, EndpointSlice[], string | undefined])[] = [
  ['without its service', undefined, [], 'ServiceNotFound: service/s in "n" is not present'],
  ['on a port that is not open', service(80), [], 'ServicePortError: service/s in "n" is not listening on port 443'],
  ['without slices', service(443), [], 'EndpointsNotFound: cannot find endpointslices for service/s in "n"'],
  [
    'without ready addresses',
    service(443),
    [slice('api', false)],
    'MissingEndpoints: endpointslices for service/s in "n" have no addresses with port name "api"',
  ],
  [
    'with addresses of another port',
    service(443),
    [slice('other', true)],
    'MissingEndpoints: endpointslices for service/s in "n" have no addresses with port name "api"',
  ],
  ['with addresses that say nothing', service(443), [slice('api', undefined)], undefined],
  ['by a name outside', service(80, 'ExternalName'), [], undefined],
]
for (const [title, found, slices, expected] of cases)
  test(`an API ${title}`, () => {
    const judged = planAvailability(apiService, found, slices)
    assert.equal(judged && `${judged.reason}: ${judged.message}`, expected)
  })

test('a condition is written when something changed, and keeps its time while its status stays', () => {
  const first = withAvailability([], passed, 'then')!
  assert.equal(withAvailability(first, passed, 'now'), undefined)
  const worse = withAvailability(first, { status: 'False', reason: 'R', message: 'a' }, 'now')!
  assert.equal(worse[0]?.lastTransitionTime, 'now')
  assert.equal(withAvailability(worse, { status: 'False', reason: 'R', message: 'b' }, 'later')?.[0]?.lastTransitionTime, 'now')
})

test('APIServices of custom groups come and go; those of others stay', () => {
  const own = localApiService({ group: 'a.example', version: 'v1' }, true)
  const foreign = { ...own, metadata: { name: 'v1.b.example' } }
  const builtIn = localApiService({ group: 'apps', version: 'v1' }, false)
  assert.deepEqual(planRegistration([own], [foreign, builtIn]), { create: [own], remove: [] })
  assert.deepEqual(planRegistration([], [own, foreign, builtIn]), { create: [], remove: [own] })
  assert.deepEqual(own.spec, { group: 'a.example', version: 'v1', groupPriorityMinimum: 1_000, versionPriority: 100 })
  const kinds = [
    { group: 'apps', version: 'v1', verbs: ['get'] },
    { group: 'apps', version: 'v1', verbs: ['get'] },
    { group: 'bodies', version: 'v1', verbs: [] },
  ]
  assert.deepEqual(registeredVersions(kinds), [{ group: 'apps', version: 'v1' }])
})

test('keys of extra are escaped as header names', () => {
  assert.deepEqual(identityHeaders({ name: 'a', uid: 'u', groups: ['g', 'h'], extra: { 'x.io/ä': ['1', '2'] } }), {
    'X-Remote-User': 'a',
    'X-Remote-Uid': 'u',
    'X-Remote-Group': ['g', 'h'],
    'X-Remote-Extra-x.io%2F%C3%A4': ['1', '2'],
  })
})
