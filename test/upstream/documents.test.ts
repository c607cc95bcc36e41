/** Discovery and OpenAPI tell clients the same as those of Kubernetes 1.36, but for their prose and what Keelson serves beside. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { customDocumentsOf } from './custom-documents.ts'
import { documentsOf } from './documents.ts'
import { ownApi } from './own-api.ts'

const recordedIn = (file: string) =>
  readFileSync(new URL(file, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly path: string; readonly document: unknown })

function compare(title: string, file: string, documentsFrom: typeof documentsOf): void {
  void test(title, async (t) => {
    const recorded = recordedIn(file)
    const own = await ownApi()
    const documents = await documentsFrom(own.send)
    await own.close()
    assert.deepEqual(Object.keys(documents).sort(), recorded.map(({ path }) => path).sort())
    for (const { path, document } of recorded) await t.test(path, () => assert.deepEqual(documents[path], document))
  })
}

compare('documents tell what upstream tells', 'documents.jsonl', documentsOf)
compare('documents tell of custom kinds what upstream tells', 'custom-documents.jsonl', customDocumentsOf)
