/** Families, labels and buckets by which upstream's rules and dashboards ask. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createCelMetrics } from './custom/cel-metrics.ts'
import { createTestApi } from './test-api.ts'
import { sender } from './test-requests.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(1) })
after(() => api.close())
const send = sender(api)
const configMaps = '/api/v1/namespaces/default/configmaps'
const apply = 'application/apply-patch+yaml'
const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }

await send('POST', configMaps, { body: { metadata: { name: 'm' } } })
await send('PUT', `${configMaps}/m`, { body: { metadata: { name: 'm' } } })
await send('PATCH', `${configMaps}/m`, { body: {}, type: 'application/merge-patch+json' })
await send('PATCH', `${configMaps}/a?fieldManager=t`, { body: applied, type: apply })
await send('GET', `${configMaps}/m`)
await send('GET', configMaps)
await send('GET', '/api/v1/configmaps')
await send('DELETE', `${configMaps}/m?dryRun=All`)
await send('DELETE', configMaps)
await send('GET', `${configMaps}/none`)
await send('GET', '/api/v1/namespaces/default/endpoints')
const { text } = await send('GET', '/metrics')
const labels = (verb: string, scope: string, dryRun = '') =>
  `component="apiserver",group="",resource="configmaps",scope="${scope}",subresource="",verb="${verb}",version="v1",dry_run="${dryRun}"`

for (const [code, verb, scope, dryRun] of [
  [201, 'POST', 'resource'],
  [200, 'PUT', 'resource'],
  [200, 'PATCH', 'resource'],
  [201, 'APPLY', 'resource'],
  [200, 'GET', 'resource'],
  [404, 'GET', 'resource'],
  [200, 'LIST', 'namespace'],
  [200, 'LIST', 'cluster'],
  [200, 'DELETE', 'resource', 'All'],
  [200, 'DELETE', 'namespace'],
] as const)
  test(`${verb} ${scope} ${code} is counted`, () =>
    assert.ok(text.includes(`apiserver_request_total{code="${code}",${labels(verb, scope, dryRun)}} 1\n`)))

test('durations have the buckets that objectives are stated in, with and without the wait', () => {
  for (const bound of ['0.05', '0.1', '0.4', '1', '5', '30', '60', '+Inf']) {
    const sli = labels('LIST', 'namespace').replace(',dry_run=""', '')
    assert.ok(text.includes(`apiserver_request_duration_seconds_bucket{${labels('LIST', 'namespace')},le="${bound}"} 1\n`), bound)
    assert.ok(text.includes(`apiserver_request_sli_duration_seconds_bucket{${sli},le="${bound}"} 1\n`), bound)
  }
})

test('admission tells how long its steps took, and certificates how long they are good', async () => {
  const step = (type: string, operation: string) => `{operation="${operation}",rejected="false",type="${type}"}`
  assert.ok(text.includes(`apiserver_admission_step_admission_duration_seconds_count${step('admit', 'CREATE')} `))
  assert.ok(text.includes(`apiserver_admission_step_admission_duration_seconds_count${step('validate', 'UPDATE')} `))
  assert.match(text, /^apiserver_client_certificate_expiration_seconds_count 0$/m)
  const clientCertificate = { commonName: 'ann', organizations: [], notAfterMs: clock.now() + 4_000_000 }
  const credentials = { clientCertificate, bearerToken: undefined }
  const signal = new AbortController().signal
  await api.handle({ method: 'GET', url: '/version', headers: {}, body: undefined, credentials, remoteAddress: '127.0.0.1', signal })
  const after = await send('GET', '/metrics')
  assert.match(after.text, /^apiserver_client_certificate_expiration_seconds_bucket\{le="3600"\} 0$/m)
  assert.match(after.text, /^apiserver_client_certificate_expiration_seconds_bucket\{le="7200"\} 1$/m)
})

test('each plugin of admission tells how long it took, and reads how long their answers were', () => {
  const plugin = (name: string, type: string, operation: string) =>
    `{name="${name}",operation="${operation}",rejected="false",type="${type}"}`
  const admission = 'apiserver_admission_controller_admission_duration_seconds'
  assert.match(text, /^# TYPE apiserver_admission_controller_admission_duration_seconds histogram$/m)
  assert.ok(text.includes(`${admission}_count${plugin('NamespaceLifecycle', 'admit', 'CREATE')} 2\n`))
  const read = labels('GET', 'resource').replace(',dry_run=""', '')
  assert.ok(text.includes(`apiserver_response_sizes_bucket{${read},le="1000"} 2\n`))
  assert.ok(
    !text.includes(
      'apiserver_response_sizes_count{component="apiserver",group="",resource="configmaps",scope="resource",subresource="",verb="POST"',
    ),
  )
})

test('what watches and what came from the store have the labels of upstream', () => {
  assert.match(text, /^apiserver_storage_events_received_total\{group="",resource="configmaps"\} \d+$/m)
})

test('who asks, whether he may, what is old and what is stored', () => {
  assert.match(text, /^authentication_attempts\{result="(?:success|failure)"\} 1[12]$/m)
  assert.match(text, /^authorization_attempts_total\{result="allowed"\} 1[12]$/m)
  assert.match(
    text,
    /^apiserver_requested_deprecated_apis\{group="",removed_release="",resource="endpoints",subresource="",version="v1"\} 1$/m,
  )
  assert.match(text, /^apiserver_resource_objects\{group="",resource="configmaps"\} \d+$/m)
  assert.match(text, /^kubernetes_build_info\{.*git_version="v1\.36/m)
})

test('the rules of custom kinds tell how long they took to be compiled and run', () => {
  const cel = createCelMetrics({ ...clock, monotonicMs: steps(0, 30, 100, 102) })
  assert.equal(
    cel.compiling(() => 'compiled'),
    'compiled',
  )
  cel.evaluating(() => undefined)
  for (const line of [
    'apiserver_cel_compilation_duration_seconds_bucket{le="0.025"} 0',
    'apiserver_cel_compilation_duration_seconds_bucket{le="0.05"} 1',
    'apiserver_cel_evaluation_duration_seconds_bucket{le="0.005"} 1',
    'apiserver_cel_evaluation_duration_seconds_sum 0.002',
  ])
    assert.ok(cel.text().includes(`${line}\n`), line)
})

function steps(...values: number[]): () => number {
  return () => values.shift()!
}
