import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { HostPathVolumeSource, Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { HostError } from '../pod/pod-host.ts'
import { writeAtomically } from './atomic-writer.ts'
import { setUpHostPath } from './host-path.ts'
import { makeSubPath, resolveSubPath } from './sub-path.ts'
import { volumeFiles, type VolumeFiles } from './volume-files.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-volumes-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const files = (map: Record<string, string>, mode = 0o644): VolumeFiles =>
  new Map(Object.entries(map).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
const write = (target: string, map: Record<string, string>, mode?: number) =>
  writeAtomically(target, files(map, mode), { owner: {}, stamp: '2026_01_01' })
const visible = (target: string) =>
  readdirSync(target)
    .filter((name) => !name.startsWith('..'))
    .sort()

test('files appear through ..data, with their modes', async () => {
  const target = join(directory, 'a')
  assert.equal(await write(target, { one: '1', 'deep/two': '2' }, 0o440), true)
  assert.deepEqual(visible(target), ['deep', 'one'])
  assert.equal(readlinkSync(join(target, 'one')), '..data/one')
  assert.equal(readFileSync(join(target, 'deep/two'), 'utf8'), '2')
  assert.equal(statSync(join(target, 'one')).mode & 0o777, 0o440)
})

test('a new set replaces the old one whole; an equal set changes nothing', async () => {
  const target = join(directory, 'b')
  await write(target, { keep: '1', gone: '2' })
  const before = readlinkSync(join(target, '..data'))
  assert.equal(await write(target, { keep: '1', gone: '2' }), false)
  assert.equal(readlinkSync(join(target, '..data')), before)
  assert.equal(await write(target, { keep: '3', fresh: '4' }), true)
  assert.deepEqual(visible(target), ['fresh', 'keep'])
  assert.equal(readFileSync(join(target, 'keep'), 'utf8'), '3')
  assert.equal(readdirSync(target).filter((name) => name.startsWith('..2026')).length, 1)
})

test('what a dead agent left half done does not stand in the way', async () => {
  const target = join(directory, 'c')
  await write(target, { one: '1' })
  symlinkSync('nowhere', join(target, '..data_tmp'))
  assert.equal(await write(target, { one: '2' }), true)
  assert.equal(readFileSync(join(target, 'one'), 'utf8'), '2')
})

test('the names that a dead agent did not come to are made, though the files are as they should be', async () => {
  const target = join(directory, 'names')
  await write(target, { one: '1', two: '2' })
  unlinkSync(join(target, 'two'))
  assert.equal(await write(target, { one: '1', two: '2' }), false)
  assert.deepEqual(visible(target), ['one', 'two'])
})

const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } }
const context = {
  ...{ podIps: ['10.244.0.9'], hostIps: ['10.0.0.1'], nodeName: 'n1', allocatable: {} },
  objects: {
    configMap: async (_: string, name: string) =>
      name === 'conf' ? { metadata: { name }, data: { a: '1', b: '2' }, binaryData: { c: 'Mw==' } } : undefined,
    secret: async (_: string, name: string) => (name === 'key' ? { metadata: { name }, data: { token: 'eA==' } } : undefined),
  },
  token: async () => 'jwt',
}
async function textsOf(volume: Volume): Promise<Record<string, string>> {
  const result = await volumeFiles(pod, volume, context)
  return Object.fromEntries([...result].map(([path, file]) => [path, `${Buffer.from(file.data).toString()} ${file.mode.toString(8)}`]))
}

const contents: readonly { title: string; volume: Volume; expected: Record<string, string> | string }[] = [
  {
    title: 'a ConfigMap with text and binary data',
    volume: { name: 'v', configMap: { name: 'conf' } },
    expected: { a: '1 644', b: '2 644', c: '3 644' },
  },
  {
    title: 'picked keys with paths and modes',
    volume: {
      name: 'v',
      configMap: {
        name: 'conf',
        defaultMode: 0o600,
        items: [
          { key: 'a', path: 'x/y' },
          { key: 'b', path: 'z', mode: 0o400 },
        ],
      },
    },
    expected: { 'x/y': '1 600', z: '2 400' },
  },
  {
    title: 'several sources projected into one',
    volume: {
      name: 'v',
      projected: {
        sources: [
          { secret: { name: 'key' } },
          { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { serviceAccountToken: { path: 'token2' } },
        ],
      },
    },
    expected: { token: 'x 644', labels: 'app="web" 644', token2: 'jwt 644' },
  },
  { title: 'what is missing but optional is empty', volume: { name: 'v', secret: { secretName: 'none', optional: true } }, expected: {} },
  {
    title: 'a missing ConfigMap is told',
    volume: { name: 'v', configMap: { name: 'none' } },
    expected: 'MountVolume.SetUp failed for volume "v" : configmap "none" not found',
  },
  {
    title: 'a missing key is told',
    volume: { name: 'v', configMap: { name: 'conf', items: [{ key: 'no', path: 'x' }] } },
    expected: 'MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: no',
  },
]
for (const { title, volume, expected } of contents) {
  test(title, async () => {
    if (typeof expected === 'string')
      await assert.rejects(textsOf(volume), (e) => e instanceof HostError && e.reason === 'FailedMount' && e.message === expected)
    else assert.deepEqual(await textsOf(volume), expected)
  })
}

const hostRoot = join(directory, 'host')
mkdirSync(hostRoot)
writeFileSync(join(hostRoot, 'file'), '')
const hostPaths: readonly { path: string; type: HostPathVolumeSource['type']; isGood: boolean }[] = [
  { path: 'file', type: 'File', isGood: true },
  { path: 'file', type: 'Directory', isGood: false },
  { path: 'none', type: 'Directory', isGood: false },
  { path: 'made', type: 'DirectoryOrCreate', isGood: true },
  { path: 'made', type: 'File', isGood: false },
  { path: 'touched', type: 'FileOrCreate', isGood: true },
  { path: 'none/touched', type: 'FileOrCreate', isGood: false },
  { path: 'file', type: 'Socket', isGood: false },
  { path: 'file', type: 'CharDevice', isGood: false },
  { path: 'anything', type: '', isGood: true },
]
for (const { path, type, isGood } of hostPaths) {
  test(`a hostPath of type "${type}" at ${path} is ${isGood ? 'taken' : 'refused'}`, async () => {
    const set = setUpHostPath('v', { path: join(hostRoot, path), ...(type === undefined ? {} : { type }) })
    if (isGood) await set
    else await assert.rejects(set, HostError)
  })
}

test('a subPath is made where it is missing, and never leads out of the volume', async () => {
  const volume = join(directory, 'sub')
  mkdirSync(volume)
  symlinkSync('/etc', join(volume, 'out'))
  mkdirSync(join(volume, 'inside'))
  symlinkSync('inside', join(volume, 'in'))
  await makeSubPath(volume, 'in/a/b', {})
  assert.equal(await resolveSubPath(volume, 'in/a/b'), join(volume, 'inside/a/b'))
  assert.ok(statSync(join(volume, 'inside/a/b')).isDirectory())
  for (const path of ['out/passwd', '../x', '/etc']) {
    await assert.rejects(resolveSubPath(volume, path), HostError)
    await assert.rejects(makeSubPath(volume, path, {}), HostError)
  }
  await assert.rejects(resolveSubPath(volume, 'missing'), HostError)
})
