import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dropOldServiceAccountKeys, rotateServiceAccountKeys, serviceAccountKeyIds } from './service-account-keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-sa-'))
after(() => rmSync(dir, { recursive: true }))

test('a rotation keeps the old public keys until they are dropped, and survives being cut short', () => {
  const [first] = rotateServiceAccountKeys(dir)
  const before = readFileSync(join(dir, 'sa.key'))
  const [second, ...old] = rotateServiceAccountKeys(dir)
  assert.deepEqual(old, [first])
  // Cut short between the two files: the old key still signs, and both are taken.
  writeFileSync(join(dir, 'sa.key'), before)
  assert.deepEqual(serviceAccountKeyIds(dir), [first, second])
  const [third, ...all] = rotateServiceAccountKeys(dir)
  assert.deepEqual(all, [first, second])
  assert.deepEqual(dropOldServiceAccountKeys(dir), [third])
  assert.match(readFileSync(join(dir, 'sa.pub'), 'utf8'), /^-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----\n$/)
})
