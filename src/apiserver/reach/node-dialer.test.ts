import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { after, test } from 'node:test'
import { issueCertificate, newAuthority } from '../../platform/pki/certificate.ts'
import { createDialer } from './node-dialer.ts'

const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
const authority = newAuthority({ commonName: 'ca', ...span })
const identity = issueCertificate(authority, {
  subject: { commonName: 'node' },
  usages: ['server', 'client'],
  hosts: ['127.0.0.1'],
  ...span,
})

/** A node that breaks every connection on which it is asked a second time, as one does that has just closed it for being idle. */
const seen = new Set<Socket>()
const node = createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
  if (seen.has(request.socket)) request.socket.destroy()
  else response.end('ok')
  seen.add(request.socket)
})
await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
const dialer = createDialer({ ca: authority.cert, certificate: identity.cert, key: identity.key })
after(() => {
  dialer.close()
  node.close()
})

async function ask(method: string): Promise<string> {
  const target = { host: '127.0.0.1', port: (node.address() as AddressInfo).port, isSecure: true, isNode: true }
  const { body } = await dialer.request(target, {
    ...{ method, path: '/', headers: {}, body: undefined },
    signal: AbortSignal.timeout(10_000),
  })
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return text
}

test('a connection that the node has closed meanwhile is made anew for what may be asked twice', async () => {
  assert.equal(await ask('GET'), 'ok')
  assert.equal(await ask('GET'), 'ok')
  assert.equal(await ask('POST'), 'ok')
  await assert.rejects(ask('POST'), /socket hang up|ECONNRESET/)
})
