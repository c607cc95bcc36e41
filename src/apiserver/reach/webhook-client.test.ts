import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { ClientMetrics } from '../../client/client-metrics.ts'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { directWay } from './pod-tunnel.ts'
import { createWebhookClient } from './webhook-client.ts'

/** It is reached by its URL. */
const nothing = { get: () => undefined, labelsOf: () => undefined, list: () => [] }
const validity = { notBeforeMs: Date.parse('2020-01-01T00:00:00Z'), notAfterMs: Date.parse('2100-01-01T00:00:00Z') }

test('a webhook that dies in the middle of its answer, over a connection that was kept, is not asked again', {
  timeout: 30_000,
}, async () => {
  const clock = virtualClock()
  const authority = newAuthority({ commonName: 'webhooks', ...validity })
  const identity = issueCertificate(authority, {
    subject: { commonName: 'localhost' },
    hosts: ['localhost'],
    usages: ['server'],
    ...validity,
  })
  let asked = 0
  const server = createServer(identity, (request, response) => {
    request.resume().once('end', () => {
      if (++asked === 1) return void response.end('{}')
      // Its head and a part of the answer go out before the end of the connection.
      response.write('{', () => request.socket.destroySoon())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const metrics = new ClientMetrics()
  const client = createWebhookClient({ reader: () => nothing, clock, random: seededRandom(1), way: directWay, metrics })
  const target = { url: `https://localhost:${port}/`, caBundle: Buffer.from(authority.cert).toString('base64') }
  try {
    const options = { timeoutMs: 10_000 }
    assert.deepEqual(await client.post(target, {}, options), {})
    await assert.rejects(client.post(target, {}, options))
    assert.equal(asked, 2)
    assert.match(metrics.text(), new RegExp(`^rest_client_requests_total{code="200",host="localhost:${port}",method="POST"} 2$`, 'm'))
    assert.match(metrics.text(), /^rest_client_request_duration_seconds_count\{.*verb="POST"\} 2$/m)
  } finally {
    client.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
