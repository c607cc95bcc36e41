import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStatus } from '../machinery/status-error.ts'
import type { Client } from './contract.ts'
import { execInPod } from './exec.ts'

/** A client whose sockets give these messages, and then the end of the command. */
function clientThatSends(messages: Iterable<Uint8Array>): { readonly client: Client; readonly isClosed: () => boolean } {
  let isClosed = false
  const socket = {
    protocol: 'v5.channel.k8s.io',
    messages: (async function* () {
      yield* messages
      yield Buffer.from('\u0003{"status":"Success"}')
    })(),
    send: async () => {},
    close: () => void (isClosed = true),
  }
  return { client: { openWebSocket: async () => socket } as Partial<Client> as Client, isClosed: () => isClosed }
}

const megabytes = function* (count: number): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.concat([Buffer.from([1]), Buffer.alloc(2 ** 20, 'x')])
}

test('output is gathered up to its bound; more is an error that says what to do, and ends the command', async () => {
  const { stdout } = await execInPod(clientThatSends(megabytes(16)).client, '/exec', { command: ['cat'] })
  assert.equal(stdout.length, 16 * 2 ** 20)
  const { client, isClosed } = clientThatSends(megabytes(17))
  await assert.rejects(
    execInPod(client, '/exec', { command: ['cat'] }),
    (error) => isStatus(error, 'RequestEntityTooLarge') && /by onStdout/.test(error.message),
  )
  assert.ok(isClosed())
})

test('output that is taken as it comes has no bound', async () => {
  let bytes = 0
  const onStdout = (data: Uint8Array) => void (bytes += data.length)
  const { exitCode, stdout } = await execInPod(clientThatSends(megabytes(20)).client, '/exec', { command: ['cat'], onStdout })
  assert.deepEqual([exitCode, stdout, bytes], [0, '', 20 * 2 ** 20])
})
