import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RuntimeError } from '../contract.ts'
import { toRuntimeError } from './cri-errors.ts'
import { runtimeEvent } from './cri-events.ts'
import { milliseconds } from './cri-observer.ts'
import { signalNumber } from './cri-runtime.ts'
import { exitOf } from './cri-streaming.ts'
import { headerBlock } from './spdy-client.ts'
import { createInflate, constants } from 'node:zlib'

const errors: readonly { code: number; details: string; operation?: 'pull'; reason: string }[] = [
  { code: 5, details: 'an error occurred when try to find container "x": not found', reason: 'NotFound' },
  { code: 2, details: 'failed to exec: container "x" not found', reason: 'NotFound' },
  { code: 2, details: 'exec: "nope": executable file not found in $PATH', reason: 'Failed' },
  { code: 2, details: 'failed to reserve sandbox name "a_b_c_0": name is reserved for "1"', reason: 'AlreadyExists' },
  { code: 4, details: 'timeout 1s exceeded', reason: 'DeadlineExceeded' },
  { code: 14, details: 'No connection established', reason: 'Unavailable' },
  { code: 14, details: 'No connection established', operation: 'pull', reason: 'Unavailable' },
  { code: 5, details: 'failed to resolve reference "r/x:1": r/x:1: not found', operation: 'pull', reason: 'ImagePull' },
  { code: 2, details: 'pull access denied, insufficient_scope: authorization failed', operation: 'pull', reason: 'ImagePull' },
  { code: 2, details: 'failed to parse image reference "A//": invalid reference format', operation: 'pull', reason: 'InvalidImageName' },
  { code: 2, details: 'dial tcp 127.0.0.1:1: connect: connection refused', operation: 'pull', reason: 'RegistryUnavailable' },
  { code: 2, details: 'unexpected status code [manifests 1]: 503 Service Unavailable', operation: 'pull', reason: 'RegistryUnavailable' },
]
for (const { code, details, operation, reason } of errors) {
  test(`gRPC code ${code} "${details}"${operation ? ' of a pull' : ''} is ${reason}`, () => {
    assert.equal(toRuntimeError({ code, details }, operation).reason, reason)
  })
}

test('a nanosecond timestamp past 2^53 keeps its milliseconds', () => {
  assert.equal(milliseconds('1795425223879999999'), 1795425223879)
  assert.equal(milliseconds('0'), undefined)
  assert.equal(milliseconds('-6795364578871345152'), undefined)
})

test('stop signals are known by all their names', () => {
  assert.deepEqual(['SIGTERM', 'SIGUSR1', 'SIGRTMIN+3', 'SIGRTMINPLUS3', 'SIGRTMAX', 'SIGNO'].map(signalNumber), [
    15,
    10,
    37,
    37,
    64,
    undefined,
  ])
})

test('the status document of a process gives its exit code', () => {
  assert.deepEqual(exitOf('{"status":"Success"}'), { exitCode: 0 })
  assert.deepEqual(exitOf('{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"42"}]}}'), {
    exitCode: 42,
  })
  assert.throws(() => exitOf('{"status":"Failure","message":"no such process"}'), new RuntimeError('Failed', 'no such process'))
  assert.throws(() => exitOf('container gone'), new RuntimeError('Failed', 'container gone'))
})

test('an exec that ends is not an exit of its container', () => {
  const event = (id: string) =>
    runtimeEvent(
      { topic: '/tasks/exit', event: { typeUrl: '', value: new Uint8Array() } },
      () => ({ containerId: 'c', id, exitStatus: 3 }) as never,
    )
  assert.deepEqual(event('c'), { type: 'ContainerExited', containerId: 'c', exitCode: 3 })
  assert.equal(event('exec-1'), undefined)
})

test('header blocks inflate one after the other in one zlib stream', async () => {
  const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH })
  inflate.end(Buffer.concat([headerBlock({ streamType: 'error' }, true), headerBlock({ a: 'b' }, false)]))
  const chunks: Buffer[] = []
  for await (const chunk of inflate) chunks.push(chunk as Buffer)
  const expected = '\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05error\0\0\0\x01\0\0\0\x01a\0\0\0\x01b'
  assert.equal(Buffer.concat(chunks).toString('latin1'), expected)
})
