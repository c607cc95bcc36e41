import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamPath } from './node-target.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'ns', name: 'p' },
  spec: { containers: [{ name: 'c' }] },
}

function check(query: string, path: string): void {
  const parameters = new URLSearchParams(query)
  const read = { text: query, get: (name: string) => parameters.get(name) ?? undefined, getAll: (name: string) => parameters.getAll(name) }
  assert.equal(streamPath('exec', pod, read), path)
}

test('a stream that a client asks for in any of the forms of true is asked of the node', () => {
  check('command=a&command=b&stdin=true&stdout=1&tty=false', '/exec/ns/p/c?command=a&command=b&input=1&output=1')
  // As Python's asyncio client writes it.
  check('command=a&stdout=True&stderr=True&stdin=False', '/exec/ns/p/c?command=a&output=1&error=1')
})
