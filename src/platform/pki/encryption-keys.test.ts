import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dropOldEncryptionKeys, ensureEncryptionKeys, rotateEncryptionKeys } from './encryption-keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-keys-'))
after(() => rmSync(dir, { recursive: true }))

test('a key is made once, kept, rotated to the front and dropped from the end', () => {
  const path = join(dir, 'encryption.json')
  const first = ensureEncryptionKeys(path)
  assert.deepEqual(
    first.map(({ id }) => id),
    ['key1'],
  )
  assert.deepEqual(
    ensureEncryptionKeys(path).map(({ secret }) => Buffer.from(secret)),
    first.map(({ secret }) => Buffer.from(secret)),
  )
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(
    rotateEncryptionKeys(path).map(({ id }) => id),
    ['key2', 'key1'],
  )
  assert.deepEqual(
    dropOldEncryptionKeys(path).map(({ id }) => id),
    ['key2'],
  )
  assert.deepEqual(
    ensureEncryptionKeys(path).map(({ id }) => id),
    ['key2'],
  )
})

for (const [title, text] of [
  ['is not JSON', '{'],
  ['has no keys', '{"keys":[]}'],
  ['has a short key', '{"keys":[{"id":"key1","secret":"AAAA"}]}'],
] as const)
  test(`a file that ${title} is never replaced`, () => {
    const path = join(dir, 'broken.json')
    writeFileSync(path, text)
    assert.throws(() => ensureEncryptionKeys(path), /does not hold encryption keys/)
  })
