/** Discovery and OpenAPI tell clients the same as those of Kubernetes 1.36, but for their prose and what Keelson serves beside. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { documentsOf } from './documents.ts'
import { ownApi } from './own-api.ts'

const recorded = readFileSync(new URL('documents.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly path: string; readonly document: unknown })

test('documents tell what upstream tells', async (t) => {
  const own = await ownApi()
  const documents = await documentsOf(own.send)
  await own.close()
  assert.deepEqual(Object.keys(documents).sort(), recorded.map(({ path }) => path).sort())
  for (const { path, document } of recorded) await t.test(path, () => assert.deepEqual(documents[path], document))
})
