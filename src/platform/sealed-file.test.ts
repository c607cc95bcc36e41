import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readSealedFile, SealedFileError, writeSealedFile } from './sealed-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'keelson-sealed-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const path = join(dir, 'backup')

async function* framesOf(texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text)
}

async function read(passphrase?: string): Promise<string[]> {
  const texts: string[] = []
  for await (const frame of readSealedFile(path, passphrase)) texts.push(frame.toString())
  return texts
}

const texts = ['manifest', 'x'.repeat(200_000), '', 'p4ssword']

for (const passphrase of [undefined, 'correct horse']) {
  const how = passphrase === undefined ? 'plain' : 'encrypted'
  test(`${how}: gives back what it was given, for nobody but its owner to read`, async () => {
    const bytes = await writeSealedFile(path, framesOf(texts), passphrase)
    assert.deepEqual(await read(passphrase), texts)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(path).size, bytes)
    assert.ok(bytes < 10_000)
    assert.equal(readFileSync(path).includes('p4ssword'), false)
  })

  test(`${how}: a file that is cut short anywhere is refused`, async () => {
    await writeSealedFile(path, framesOf(['a', 'b']), passphrase)
    const whole = readFileSync(path)
    const cuts = passphrase === undefined ? whole.keys() : [0, 20, 60, whole.length - 60, whole.length - 1]
    for (const length of cuts) {
      writeFileSync(path, whole.subarray(0, length))
      await assert.rejects(read(passphrase), SealedFileError, `${length} bytes`)
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.of(0)]))
    await assert.rejects(read(passphrase), /damaged/)
  })

  test(`${how}: a changed byte is found, wherever it is`, async () => {
    await writeSealedFile(path, framesOf(['a', 'b']), passphrase)
    const whole = readFileSync(path)
    const places = passphrase === undefined ? [...whole.keys()].slice(31) : [whole.length - 70, whole.length - 3, whole.length - 50]
    for (const at of places) {
      writeFileSync(path, whole.with(at, whole[at]! ^ 1))
      await assert.rejects(read(passphrase), SealedFileError, `byte ${at}`)
    }
  })
}

test('another passphrase, and none, are told', async () => {
  await writeSealedFile(path, framesOf(texts), 'correct horse')
  await assert.rejects(read('battery staple'), /the passphrase is not that of .*, or the file is damaged/)
  await assert.rejects(read(), /is encrypted: it needs its passphrase/)
})

test('what is no such file, or not there, is told', async () => {
  writeFileSync(path, '{"kind":"Secret","and":"more"}')
  await assert.rejects(read(), /is no backup of Keelson/)
  await assert.rejects(async () => {
    for await (const _ of readSealedFile(join(dir, 'missing'), undefined));
  }, /cannot read .*missing/)
})

test('a file that fails on the way leaves the old one as it was, and nothing beside it', async () => {
  await writeSealedFile(path, framesOf(['old']), undefined)
  const failing = async function* () {
    yield Buffer.from('new')
    throw new Error('the source broke')
  }
  await assert.rejects(writeSealedFile(path, failing(), undefined), /the source broke/)
  assert.deepEqual(await read(), ['old'])
  assert.deepEqual(readdirSync(dir), ['backup'])
})
