import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { serveWebSocketForward } from './websocket-forward.ts'

/** A client of two ports of a pod, where `serve` answers; gives what came on each channel by the end of the connection. */
async function forwarded(t: TestContext, serve: (port: number, connection: Duplex, near: Duplex) => void) {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    const dial = async (port: number) => {
      if (port === 81) throw new Error('connection refused')
      const [near, far] = duplexPair()
      serve(port, far, near)
      return near
    }
    void serveWebSocketForward(socket, 'v4.channel.k8s.io', [80, 81], dial)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    client.terminate()
    sockets.close()
    server.close()
  })
  const channels = [0, 1, 2, 3].map(() => [] as Buffer[])
  client.on('message', (data: Buffer) => void channels[data[0]!]!.push(data.subarray(1)))
  const closed = once(client, 'close')
  await once(client, 'open')
  return { client, closed: closed.then(() => channels.map((pieces) => Buffer.concat(pieces))) }
}

test('a pod that ends a connection ends it for the client, who cannot hear it otherwise, after all that was sent', {
  timeout: 30_000,
}, async (t) => {
  const bytes = 5_000_000
  const { closed } = await forwarded(t, (_, connection) => {
    connection.resume()
    connection.end(Buffer.alloc(bytes, 'x'))
  })
  const [data, error, otherData, otherError] = await closed
  // Each begins with its port, in two bytes.
  assert.equal(data!.length, 2 + bytes)
  assert.deepEqual([...error!], [80, 0])
  assert.deepEqual([...otherData!], [81, 0])
  assert.match(otherError!.subarray(2).toString(), /an error occurred forwarding 81 -> 81: connection refused/)
})

test('a connection that breaks after the engine has agreed to it is told, too', { timeout: 30_000 }, async (t) => {
  const { closed } = await forwarded(t, (_port, _connection, near) =>
    setImmediate(() => near.destroy(new Error('failed to connect to localhost:80'))),
  )
  assert.match((await closed)[1]!.subarray(2).toString(), /an error occurred forwarding 80 -> 80: failed to connect to localhost:80/)
})

test('what the client sends reaches the pod', { timeout: 30_000 }, async (t) => {
  const { client, closed } = await forwarded(t, (_, connection) =>
    connection.once('data', (data: Buffer) => connection.end(`got ${String(data)}`)),
  )
  client.send(Buffer.from('\u0000hello'))
  assert.equal((await closed)[0]!.subarray(2).toString(), 'got hello')
})
