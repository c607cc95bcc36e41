/** Whatever a request waits for ends with the request, and nothing is written for nobody. */
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { rawRequest, sender } from '../test-requests.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(1) })
const send = sender(api)
const validity = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }
const authority = newAuthority({ commonName: 'webhooks', ...validity })
const identity = issueCertificate(authority, {
  subject: { commonName: 'localhost' },
  hosts: ['localhost'],
  usages: ['server'],
  ...validity,
})

/** A webhook that never answers: who is asked tells when the question has come, and when its asker has hung up. */
let asked = Promise.withResolvers<{ readonly left: Promise<void> }>()
const server = createServer(identity, (request) => {
  const left = new Promise<void>((resolve) => request.socket.once('close', () => resolve()))
  request.resume().once('end', () => asked.resolve({ left }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(async () => {
  await api.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const configMaps = '/api/v1/namespaces/default/configmaps'
const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }]
const clientConfig = {
  url: `https://localhost:${(server.address() as AddressInfo).port}/`,
  caBundle: Buffer.from(authority.cert).toString('base64'),
}
await send('POST', configMaps, { body: { metadata: { name: 'there' }, data: { a: '1' } } })
await send('POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
  body: {
    metadata: { name: 'silent' },
    webhooks: [
      {
        name: 'silent.example.com',
        rules,
        clientConfig,
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Ignore',
        timeoutSeconds: 30,
      },
    ],
  },
})

const writes = {
  create: ['POST', configMaps, { metadata: { name: 'new' } }],
  update: ['PUT', `${configMaps}/there`, { metadata: { name: 'there' }, data: { a: '2' } }],
  patch: ['PATCH', `${configMaps}/there`, { data: { a: '2' } }],
  delete: ['DELETE', `${configMaps}/there`, undefined],
} as const

const remaining = async () =>
  ((await send('GET', configMaps)).json['items'] as { metadata: { name: string }; data?: object }[])
    .filter(({ metadata: { name } }) => name !== 'kube-root-ca.crt')
    .map(({ metadata: { name }, data }) => [name, data])

for (const [verb, [method, path, body]] of Object.entries(writes)) {
  const type = verb === 'patch' ? 'application/merge-patch+json' : 'application/json'

  test(`${verb}: what takes too long is given up and not written later`, async () => {
    asked = Promise.withResolvers()
    const answer = send(method, `${path}?timeout=2s`, { type, ...(body ? { body } : {}) })
    const { left } = await asked.promise
    await clock.advance(2000)
    const { code, json } = await answer
    assert.deepEqual([code, json.message], [504, 'Timeout: request did not complete within requested timeout - context deadline exceeded'])
    await left
    await clock.advance(60_000)
    assert.deepEqual(await remaining(), [['there', { a: '1' }]])
  })

  test(`${verb}: what nobody waits for any more is given up`, async () => {
    asked = Promise.withResolvers()
    const client = new AbortController()
    const answer = rawRequest(api, method, path, { type, signal: client.signal, ...(body ? { body } : {}) })
    const { left } = await asked.promise
    client.abort(new Error('the client has gone'))
    await left
    assert.equal((await answer).code, 504)
    const counted = { create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' }[verb]
    const aborts = new RegExp(
      `^apiserver_request_aborts_total\\{group="",resource="configmaps",scope="resource",subresource="",verb="${counted}",version="v1"\\} 1$`,
      'm',
    )
    assert.match((await send('GET', '/metrics')).text, aborts)
    assert.deepEqual(await remaining(), [['there', { a: '1' }]])
  })
}
