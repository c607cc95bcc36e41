import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import { joinPipes } from './port-forward.ts'

/** A client and a server in a pod, with the two pipes of the node between them. */
function joined(): { client: Duplex; server: Duplex; towardsClient: Duplex; towardsServer: Duplex; done: Promise<void> } {
  const [client, towardsClient] = duplexPair()
  const [server, towardsServer] = duplexPair()
  for (const pipe of [client, server, towardsClient, towardsServer]) pipe.on('error', () => {})
  return { client, server, towardsClient, towardsServer, done: joinPipes(towardsClient, towardsServer) }
}

/** What comes to the end. Iterating would destroy the pipe. */
async function text(from: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  from.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(from, 'end')
  return Buffer.concat(chunks).toString()
}

test('each direction ends by itself: who has said all still hears the answer', async () => {
  const { client, server, done } = joined()
  client.end('question')
  assert.equal(await text(server), 'question')
  server.end('answer')
  assert.equal(await text(client), 'answer')
  await done
})

test('a client that is cut off takes the connection into the pod with it', async () => {
  const { towardsClient, towardsServer, done } = joined()
  const closed = once(towardsServer, 'close')
  towardsClient.destroy()
  await Promise.all([closed, done])
})

test('a server that closes ends a client that says nothing, after its last words', async () => {
  const { client, server, towardsClient, towardsServer, done } = joined()
  const closed = once(towardsClient, 'close')
  server.end('bye')
  server.resume()
  assert.equal(await text(client), 'bye')
  towardsServer.destroy()
  await Promise.all([closed, done])
})
