import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import protobufFacts from '../../kinds/generated/protobuf.json' with { type: 'json' }
import { createProtobufCodec, type ProtobufFacts } from '../../machinery/wire/protobuf.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { ApiRequest } from '../contract.ts'
import { createTestApi } from '../test-api.ts'

const codec = createProtobufCodec(protobufFacts as unknown as ProtobufFacts)

/** Reads length-delimited frames as client-go does: the event's type and its object out of the envelope. */
function readFrames(bytes: Buffer): { type: string; object: Record<string, unknown> }[] {
  const events: { type: string; object: Record<string, unknown> }[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const body = bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
    const [type, extension] = fieldsOf(body)
    const [envelope] = fieldsOf(extension!)
    events.push({ type: type!.toString('latin1'), object: codec.decode(envelope!) })
  }
  return events
}

/** The values of length-delimited fields, in order. */
function fieldsOf(message: Buffer): Buffer[] {
  const values: Buffer[] = []
  for (let at = 0; at < message.length; ) {
    assert.equal(message[at++]! & 7, 2)
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++]!
      length += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    values.push(message.subarray(at, at + length))
    at += length
  }
  return values
}

async function setUp() {
  const clock = virtualClock()
  const { api, client } = await createTestApi({ clock, random: seededRandom(1) })
  const abort = new AbortController()
  const watch = (url: string, accept: string) => {
    const request: ApiRequest = {
      method: 'GET',
      url,
      headers: { accept },
      body: undefined,
      credentials: { clientCertificate: undefined, bearerToken: undefined },
      remoteAddress: '192.0.2.1',
      signal: abort.signal,
    }
    return api.handle(request)
  }
  return { api, client, watch, close: () => abort.abort() }
}

test('a protobuf watch sends each event framed, typed and whole', async () => {
  const { client, watch, close } = await setUp()
  const kind = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', scope: 'Namespaced' } as const
  const created = (await client
    .resource(kind, 'default')
    .create({ metadata: { name: 'a' }, data: { word: 'x'.repeat(300) } } as never)) as unknown as {
    metadata: { uid: string; resourceVersion: string }
  }
  const response = await watch('/api/v1/namespaces/default/configmaps?watch=true', 'application/vnd.kubernetes.protobuf')
  assert.equal(response.headers['content-type'], 'application/vnd.kubernetes.protobuf;stream=watch')
  const [chunk] = await take(response.body as AsyncIterable<Uint8Array>)
  close()
  const [event] = readFrames(Buffer.from(chunk!))
  assert.equal(event!.type, 'ADDED')
  const object = event!.object as { kind: string; data: { word: string }; metadata: { uid: string; resourceVersion: string } }
  assert.equal(object.kind, 'ConfigMap')
  assert.equal(object.data.word.length, 300)
  assert.deepEqual([object.metadata.uid, object.metadata.resourceVersion], [created.metadata.uid, created.metadata.resourceVersion])
})

test('a form that protobuf has no messages for is refused before the stream begins', async () => {
  const { watch, close } = await setUp()
  const response = await watch('/api/v1/configmaps?watch=true', 'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io')
  assert.equal(response.code, 406)
  close()
})

async function take(body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  for await (const chunk of body) return [chunk]
  return []
}
