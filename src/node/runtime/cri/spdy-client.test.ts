import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { createSpdyConnection } from './spdy-client.ts'

test('what a server said before it reset the connection is read, though writing to it has failed', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => socket.destroy())
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')])
  peer.on('error', () => {})
  const { open } = createSpdyConnection(socket, Buffer.alloc(0))
  const status = open({ streamType: 'error' })
  const stdin = open({ streamType: 'stdin' })
  await once(peer, 'readable')
  // A frame of data for stream 1, its last one.
  peer.write(Buffer.concat([Buffer.from([0, 0, 0, 1, 1, 0, 0, 6]), Buffer.from('exit 3')]))
  peer.resetAndDestroy()
  // Before the next turn of the loop, in which the frame would be read.
  stdin.write(Buffer.alloc(1024))
  assert.equal(await text(status), 'exit 3')
})
