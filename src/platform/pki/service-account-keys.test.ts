import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeServiceAccountKeys } from './service-account-keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-sa-'))
after(() => rmSync(dir, { recursive: true }))

test('the files hold the pair, for their owner alone, and what is there already is left alone', () => {
  writeServiceAccountKeys(dir, { privateKey: 'private', publicKey: 'public' })
  const file = (name: string) => join(dir, name)
  assert.deepEqual([readFileSync(file('sa.key'), 'utf8'), readFileSync(file('sa.pub'), 'utf8')], ['private', 'public'])
  assert.deepEqual(
    ['sa.key', 'sa.pub'].map((name) => statSync(file(name)).mode & 0o777),
    [0o600, 0o600],
  )
  const { ino } = statSync(file('sa.key'))
  writeServiceAccountKeys(dir, { privateKey: 'private', publicKey: 'public and another' })
  assert.deepEqual([statSync(file('sa.key')).ino, readFileSync(file('sa.pub'), 'utf8')], [ino, 'public and another'])
})
