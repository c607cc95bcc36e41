import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EncodingOptions, streamed } from './answer-encoding.ts'

const options: EncodingOptions = {
  format: { encoding: 'json', as: undefined, version: 'v1', isPretty: false },
  include: 'Metadata',
  nowMs: 0,
  binary: undefined,
  mayCompress: true,
}
const long = 1 << 20

test('a compressed list that breaks off is no whole one', async () => {
  async function* source() {
    yield Buffer.alloc(200_000)
    throw new Error('the request has ended')
  }
  const { body } = streamed(source(), long, options)
  await assert.rejects(async () => {
    for await (const _ of body as AsyncIterable<Uint8Array>);
  }, /the request has ended/)
})

test('nothing is made of a compressed list that nobody reads on', async () => {
  const left = Promise.withResolvers<void>()
  let made = 0
  async function* source() {
    try {
      for (; made < 10_000; made++) yield Buffer.from(String(Math.sqrt(made)).repeat(1_000))
    } finally {
      left.resolve()
    }
  }
  const { body } = streamed(source(), long, options)
  for await (const _ of body as AsyncIterable<Uint8Array>) break
  await left.promise
  assert.ok(made < 10_000)
})
