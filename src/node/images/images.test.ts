import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImageInfo } from '../runtime/contract.ts'
import { planImageRemoval } from './image-gc.ts'
import { formatImageReference, parseImageReference, referenceFault } from './image-reference.ts'
import { dockerConfigEntries, matchCredentials, matchesRegistry } from './registry-credentials.ts'

const digest = `sha256:${'a'.repeat(64)}`
const references: readonly [string, string | undefined][] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['team/app:1.2', 'docker.io/team/app:1.2'],
  ['registry.test:5000/app', 'registry.test:5000/app:latest'],
  ['localhost/app:x', 'localhost/app:x'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`nginx:1@${digest}`, `docker.io/library/nginx:1@${digest}`],
  ['index.docker.io/team/app', 'docker.io/team/app:latest'],
  ['Upper/Case', undefined],
  ['', undefined],
  ['app:', undefined],
  ['a b', undefined],
]
for (const [text, expected] of references) {
  test(`the reference "${text}" is ${expected ?? 'none'}`, () => {
    const reference = parseImageReference(text)
    assert.equal(reference && formatImageReference(reference), expected)
  })
}

test('what is no reference is told in the words that users know', () => {
  assert.equal(referenceFault('a b'), 'invalid reference format')
  assert.equal(referenceFault('team/App:1'), 'invalid reference format: repository name (team/App) must be lowercase')
  assert.equal(referenceFault('Team/App:1'), 'invalid reference format: repository name (App) must be lowercase')
})

const matches: readonly [string, string, boolean][] = [
  ['registry.test', 'registry.test/app:1', true],
  ['https://registry.test/v2/', 'registry.test/app:1', true],
  ['registry.test/team', 'registry.test/team/app:1', true],
  ['registry.test/team', 'registry.test/other/app:1', false],
  ['*.test', 'registry.test/app:1', true],
  ['*.test', 'a.registry.test/app:1', false],
  ['registry.test:5000', 'registry.test/app:1', false],
  ['https://index.docker.io/v1/', 'docker.io/library/nginx:1', true],
]
for (const [pattern, image, expected] of matches) {
  test(`credentials for ${pattern} ${expected ? 'fit' : 'do not fit'} ${image}`, () =>
    assert.equal(matchesRegistry(pattern, image), expected))
}

test('the most specific credentials come first, equal ones once', () => {
  const auth = Buffer.from('ann:pa:ss').toString('base64')
  const config = {
    auths: {
      'registry.test': { username: 'bob', password: 'x' },
      'registry.test/team': { auth },
      '*.test': { username: 'bob', password: 'x' },
    },
  }
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') }
  const found = matchCredentials(dockerConfigEntries({ metadata: {}, data }), 'registry.test/team/app:1')
  assert.deepEqual(found, [
    { username: 'ann', password: 'pa:ss' },
    { username: 'bob', password: 'x' },
  ])
  assert.deepEqual(dockerConfigEntries({ metadata: {}, data: { '.dockerconfigjson': 'bm8=' } }), [])
})

test('the least recently used images go until enough is freed; used, pinned and young ones stay', () => {
  const use = (id: string, lastUsedMs: number, more: Partial<ImageInfo> = {}, firstSeenMs = 0) => ({
    image: { id, repoTags: [id], repoDigests: [], sizeBytes: 10, uid: undefined, username: '', pinned: false, ...more },
    firstSeenMs,
    lastUsedMs,
  })
  const images = [
    use('new', 900),
    use('old', 100),
    use('used', 50),
    use('pinned', 10, { pinned: true }),
    use('young', 0, {}, 990),
    use('older', 80),
  ]
  const plan = (bytesToFree: number) =>
    planImageRemoval(images, { inUse: new Set(['used']), bytesToFree, nowMs: 1000, minAgeMs: 100 }).map((i) => i.id)
  assert.deepEqual(plan(15), ['older', 'old'])
  assert.deepEqual(plan(100), ['older', 'old', 'new'])
  assert.deepEqual(plan(0), [])
})
