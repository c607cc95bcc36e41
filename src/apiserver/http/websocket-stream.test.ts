import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { after, test } from 'node:test'
import { WebSocket } from 'ws'
import { seededRandom } from '../../base/random.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { createPodOnNode, sender } from '../test-requests.ts'

async function* blocks(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

const { api } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(1),
  dialer: {
    request: async () => ({ code: 200, headers: { 'content-type': 'text/plain' }, body: blocks('container ', 'is alive\n') }),
    connect: () => Promise.reject(new Error('connect ECONNREFUSED')),
    close: () => {},
  },
})
after(() => api.close())
const send = sender(api)
await createPodOnNode(send)

/** The first `count` messages, or all, and the protocol that was chosen. Rejects with the code of a refusal. */
function messages(url: string, asked: string[], count = Number.POSITIVE_INFINITY): Promise<{ parts: string[]; protocol: string }> {
  const [near, far] = duplexPair()
  const call = { method: 'GET', url, body: undefined, remoteAddress: '127.0.0.1', signal: new AbortController().signal }
  const credentials = { clientCertificate: undefined, bearerToken: undefined }
  const client = new WebSocket('ws://server', asked, { createConnection: () => near })
  let head = ''
  far.on('data', function onHead(chunk: Buffer) {
    head += chunk.toString()
    if (!head.endsWith('\r\n\r\n')) return
    far.off('data', onHead)
    const lines = head.trim().split('\r\n').slice(1)
    const headers = Object.fromEntries(lines.map((line) => line.split(': ')).map(([name, value]) => [name!.toLowerCase(), value!]))
    void api.upgrade({ ...call, headers, credentials }, far, new Uint8Array())
  })
  const parts: string[] = []
  return new Promise((resolve, reject) => {
    client.on('message', (data: Buffer) => {
      if (data.length > 0) parts.push(data.toString())
      if (parts.length >= count) client.close()
    })
    client.once('close', () => resolve({ parts, protocol: client.protocol }))
    client.once('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))))
    client.once('error', reject)
  })
}

const log = '/api/v1/namespaces/default/pods/p/log?container=c'

test('a log comes over a WebSocket as bytes or as base64', async () => {
  assert.deepEqual(await messages(log, ['binary.k8s.io']), { parts: ['container ', 'is alive\n'], protocol: 'binary.k8s.io' })
  const { parts, protocol } = await messages(log, ['base64.binary.k8s.io'])
  assert.deepEqual(
    [parts.map((part) => Buffer.from(part, 'base64').toString()).join(''), protocol],
    ['container is alive\n', 'base64.binary.k8s.io'],
  )
  assert.deepEqual((await messages(log, [])).parts.join(''), 'container is alive\n')
})

test('what cannot be given over a WebSocket is refused before it stands', async () => {
  await assert.rejects(messages(log, ['other.k8s.io']), /400/)
  await assert.rejects(messages(log.replace('/p/', '/missing/'), ['binary.k8s.io']), /404/)
})

test('a watch comes over a WebSocket, an event a message', async () => {
  const { parts } = await messages('/api/v1/namespaces/default/pods?watch=true&resourceVersion=0', [], 1)
  const event = JSON.parse(parts[0]!) as { readonly type: string; readonly object: KubeObject }
  assert.deepEqual([event.type, event.object.metadata.name], ['ADDED', 'p'])
})
