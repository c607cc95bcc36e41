import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { isStatus } from '../machinery/status-error.ts'
import { createClientset } from './clientset.ts'
import { createHttpClient } from './http-client.ts'

/** Both channels begin with the port, the low byte first. */
const announce = (socket: WebSocket, port: number) => {
  for (const channel of [0, 1]) socket.send(Buffer.from([channel, port & 255, port >> 8]))
}

/** The pods of a server that does with a forwarded connection what `serve` says. */
async function podsOf(t: TestContext, serve: (socket: WebSocket, port: number, pipe: Socket) => void) {
  const server = createServer()
  const sockets = new WebSocketServer({ server, handleProtocols: (protocols) => protocols.has('v4.channel.k8s.io') && 'v4.channel.k8s.io' })
  sockets.on('connection', (socket, request) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
    assert.equal(pathname, '/api/v1/namespaces/a/pods/p/portforward')
    const port = Number(searchParams.get('ports'))
    announce(socket, port)
    serve(socket, port, request.socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = createHttpClient({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  t.after(() => {
    client.close()
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.close()
  })
  return createClientset(client).coreV1().pods('a')
}

const bytes = (text: string) => new TextEncoder().encode(text)

test('a forwarded port gives what the pod sends, until either ends it', async (t) => {
  const pods = await podsOf(t, (socket) =>
    socket.on('message', (data: Buffer) => {
      socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(data.subarray(1).toString().toUpperCase())]))
      if (data.subarray(1).toString() === 'bye') socket.close()
    }),
  )
  const connection = await pods.portForward('p', 8080)
  await connection.send(bytes('hello'))
  await connection.send(bytes('bye'))
  let text = ''
  for await (const piece of connection.data) text += new TextDecoder().decode(piece)
  assert.equal(text, 'HELLOBYE')

  const other = await pods.portForward('p', 8080)
  other.close()
  for await (const piece of other.data) assert.fail(`nothing comes any more, yet ${piece.length} bytes did`)
})

test('a port that nobody listens on is told by what is read', async (t) => {
  const pods = await podsOf(t, (socket, port) => socket.send(Buffer.from(`\u0001an error occurred forwarding ${port}`)))
  const connection = await pods.portForward('p', 81)
  const reading = (async () => {
    for await (const piece of connection.data) assert.fail(String(piece))
  })()
  await assert.rejects(reading, (error) => isStatus(error, 'ServiceUnavailable') && /forwarding 81/.test(error.message))
})

test('a pod that sends faster than it is read has to wait, and nothing is lost', async (t) => {
  const count = 20_000
  let unsent: (() => number) | undefined
  const pods = await podsOf(t, (socket, _port, pipe) => {
    const message = Buffer.alloc(4_097)
    for (let i = 0; i < count; i++) socket.send(message)
    socket.close()
    unsent = () => pipe.writableLength
  })
  const connection = await pods.portForward('p', 80)
  // While nobody reads, what is sent fills the buffers between the two and comes to a halt.
  let [last, haltedTurns] = [-1, 0]
  while (haltedTurns < 100 && last !== 0) {
    await new Promise((done) => setImmediate(done))
    const now = unsent?.() ?? -1
    haltedTurns = now === last ? haltedTurns + 1 : 0
    last = now
  }
  assert.ok(last > 0, 'all was taken, and nobody read it')
  let total = 0
  for await (const piece of connection.data) total += piece.length
  assert.equal(total, count * 4_096)
})
