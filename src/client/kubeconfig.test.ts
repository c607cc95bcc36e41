import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { execCredentials } from './exec-credentials.ts'
import { formatKubeconfig } from './kubeconfig-text.ts'
import { KubeconfigError, loadKubeconfig, mergeContext, parseKubeconfig, removeContext, resolveContext } from './kubeconfig.ts'

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  try {
    body(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const one = { name: 'one', cluster: { server: 'https://one:6443' }, user: { token: 't1' }, namespace: 'apps' }
const two = { name: 'two', cluster: { server: 'https://two:6443', 'certificate-authority': 'ca.pem' }, user: { 'client-key-data': 'a2V5' } }

test('the first file that defines a name wins, and the first current context', () =>
  inFolder((folder) => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')]
    writeFileSync(a, formatKubeconfig(one))
    mergeContext(b, { ...one, cluster: { server: 'https://other' } }, { makeCurrent: true })
    mergeContext(b, two, { makeCurrent: true })
    const config = loadKubeconfig([a, join(folder, 'absent'), b])
    assert.deepEqual(
      config.contexts.map((context) => context.name),
      ['one', 'two'],
    )
    assert.deepEqual(resolveContext(config), { connection: { server: 'https://one:6443', token: 't1' }, namespace: 'apps', context: 'one' })
  }))

test('a file of one context reads as what was written, whatever is in it', () =>
  inFolder((folder) => {
    const path = join(folder, 'config')
    const users = [{}, { token: '12e3' }, { token: 'true' }, { token: "it's: #odd" }, { 'client-key-data': 'LS0tLQ==' }]
    for (const user of users)
      for (const server of ['https://[::1]:6443', 'https://10.0.0.1:6443']) {
        const name = 'a b'
        writeFileSync(path, formatKubeconfig({ name, cluster: { server }, user }))
        assert.deepEqual(loadKubeconfig([path]), {
          clusters: [{ name, cluster: { server } }],
          users: [{ name, user }],
          contexts: [{ name, context: { cluster: name, user: name } }],
          currentContext: name,
        })
      }
  }))

test('data and files become the connection; relative names are the folder’s', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'ca.pem'), 'CA')
    const path = join(folder, 'config')
    mergeContext(path, two, { makeCurrent: true })
    assert.deepEqual(resolveContext(loadKubeconfig([path])).connection, { server: 'https://two:6443', ca: 'CA', key: 'key' })
  }))

test('merging keeps what else is in the file, removing takes out only its own', () =>
  inFolder((folder) => {
    const path = join(folder, 'config')
    writeFileSync(path, `${formatKubeconfig(one)}extensions: [{name: kept}]\n`)
    mergeContext(path, two, { makeCurrent: false })
    assert.equal(loadKubeconfig([path]).currentContext, 'one')
    assert.equal(removeContext(path, 'two'), true)
    assert.equal(removeContext(path, 'two'), false)
    assert.deepEqual(
      loadKubeconfig([path]).users.map((user) => user.name),
      ['one'],
    )
    assert.equal(removeContext(path, 'one'), true)
    assert.equal(loadKubeconfig([path]).currentContext, '')
  }))

for (const [text, expected] of [
  ['a: [', /is not YAML/],
  ['- 1', /is not a kubeconfig/],
  ['clusters: 3', /clusters is not a list/],
  ['users: [{}]', /an entry of users has no name/],
] as const)
  test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseKubeconfig(text, 'f'), expected))

for (const [context, expected] of [
  [undefined, /no context is set/],
  ['x', /has no context "x"/],
] as const)
  test(`says which context is missing (${context})`, () =>
    assert.throws(
      () => resolveContext(parseKubeconfig('', 'f'), context ? { context } : {}),
      (error) => error instanceof KubeconfigError && expected.test(error.message),
    ))

test('an exec plugin runs once until it expires or is refused', async () => {
  let nowMs = Date.UTC(2026, 0, 1)
  const script = 'echo "{\\"status\\":{\\"token\\":\\"$PREFIX-$$\\",\\"expirationTimestamp\\":\\"2026-01-01T00:01:00Z\\"}}"'
  const plugin = { command: 'sh', args: ['-c', script], env: [{ name: 'PREFIX', value: 'tok' }] }
  const source = execCredentials(plugin, { server: 'https://s' }, () => nowMs)
  const first = (await source.get()).token
  assert.match(first ?? '', /^tok-\d+$/)
  assert.equal((await source.get()).token, first)
  source.invalidate()
  const second = (await source.get()).token
  assert.notEqual(second, first)
  nowMs += 60_000
  assert.notEqual((await source.get()).token, second)
})
