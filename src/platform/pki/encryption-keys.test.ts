import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readEncryptionKeys } from './encryption-keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-keys-'))
const path = join(dir, 'encryption.json')
after(() => rmSync(dir, { recursive: true, force: true }))

test('reads the keys in their order, and says when there are none', () => {
  assert.equal(readEncryptionKeys(path), undefined)
  const secret = Buffer.alloc(32, 7).toString('base64')
  writeFileSync(
    path,
    JSON.stringify({
      keys: [
        { id: 'key2', secret },
        { id: 'key1', secret },
      ],
    }),
  )
  assert.deepEqual(
    readEncryptionKeys(path)?.map(({ id }) => id),
    ['key2', 'key1'],
  )
})

test('refuses a file that it cannot understand, instead of writing with another key', () => {
  for (const text of ['', '{}', '{"keys":[]}', '{"keys":[{"id":"key1","secret":"c2hvcnQ="}]}']) {
    writeFileSync(path, text)
    assert.throws(() => readEncryptionKeys(path), /does not hold encryption keys/)
  }
})
