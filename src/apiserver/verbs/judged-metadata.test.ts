/** Which of a kind's rules look at metadata, in which order, and what is said of generated names: as upstream's code has it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, sender } from '../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(1) })
after(() => api.close())
const send = sender(api)

/** The causes of a refusal, each as `field: message`; none of what was taken. */
async function causes(method: string, path: string, body: object): Promise<readonly string[]> {
  const { json, code } = await send(method, path, { body })
  if (code < 300) return []
  const found = at(json, 'details.causes') as readonly { readonly field: string; readonly message: string }[]
  return found.map(({ field, message }) => `${field}: ${message}`)
}

function check(
  title: string,
  request: { readonly method?: string; readonly path: string; readonly body: object },
  expected: readonly RegExp[],
) {
  test(title, async () => {
    const found = await causes(request.method ?? 'POST', request.path, request.body)
    assert.equal(found.length, expected.length, found.join('\n'))
    for (const [i, one] of expected.entries()) assert.match(found[i]!, one)
  })
}

const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices'
const spec = { group: 'example.com', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 }
const wanted = /must be `spec.version\+"\."\+spec.group`: "v1.example.com"$/
check(
  'the name of an APIService is judged with its metadata, before its labels',
  { path: apiServices, body: { metadata: { name: 'v2.example.com', labels: { 'a b': '' } }, spec } },
  [new RegExp(`^metadata.name: Invalid value: "v2.example.com": ${wanted.source}`), /^metadata.labels: /],
)
check(
  'so is what it begins with where it is to be generated',
  { path: apiServices, body: { metadata: { generateName: 'v1.example.com-' }, spec } },
  [
    new RegExp(`^metadata.generateName: Invalid value: "v1.example.com-": ${wanted.source}`),
    new RegExp(`^metadata.name: .*${wanted.source}`),
  ],
)
check('an APIService whose name no path may have is told that alone', { path: apiServices, body: { metadata: { name: 'v1/x' }, spec } }, [
  /^metadata.name: Invalid value: "v1\/x": may not contain '\/'$/,
])

const coreEvents = '/api/v1/namespaces/default/events'
const event = { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' }, reason: 'R', message: 'm', type: 'Normal' }
check('an old event takes any finalizer', { path: coreEvents, body: { ...event, metadata: { name: 'held', finalizers: ['mine'] } } }, [])
check(
  'and keeps it',
  {
    method: 'PUT',
    path: `${coreEvents}/held`,
    body: { ...event, reason: 'S', metadata: { name: 'held', finalizers: ['mine', 'yours'] } },
  },
  [],
)
check(
  'what is wrong with the metadata of an old event is told once nothing else is wrong',
  { path: coreEvents, body: { ...event, metadata: { name: 'e', labels: { 'a b': '' } } } },
  [/^metadata.labels: /],
)
check(
  'and not before',
  {
    path: coreEvents,
    body: { ...event, involvedObject: { ...event.involvedObject, namespace: 'other' }, metadata: { name: 'e', labels: { 'a b': '' } } },
  },
  [/^involvedObject.namespace: /],
)
check(
  'an event of the newer version takes no finalizer without a domain',
  {
    path: '/apis/events.k8s.io/v1/namespaces/default/events',
    body: {
      metadata: { name: 'newer', finalizers: ['mine'] },
      regarding: event.involvedObject,
      eventTime: '2026-01-02T03:04:05.000006Z',
      reason: 'R',
      note: 'n',
      type: 'Normal',
      action: 'A',
      reportingController: 'example.com/c',
      reportingInstance: 'i',
    },
  },
  [/^metadata.finalizers\[0\]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified$/],
)

const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
check('a generated name may begin with a dot', { path: roles, body: { metadata: { generateName: '.' } } }, [])
check('but not with what no path may hold', { path: roles, body: { metadata: { generateName: 'a/' } } }, [
  /^metadata.generateName: Invalid value: "a\/": may not contain '\/'$/,
  /^metadata.name: Invalid value: "a\/.{5}": may not contain '\/'$/,
])
check(
  'of a generated name of a device class only the outcome is judged',
  { path: '/apis/resource.k8s.io/v1/deviceclasses', body: { metadata: { generateName: 'A_b-' }, spec: {} } },
  [/^metadata.name: Invalid value: "A_b-.{5}": /],
)
check('of other kinds both are', { path: '/api/v1/namespaces/default/configmaps', body: { metadata: { generateName: 'A_b-' } } }, [
  /^metadata.generateName: Invalid value: "A_b-": /,
  /^metadata.name: Invalid value: "A_b-.{5}": /,
])
