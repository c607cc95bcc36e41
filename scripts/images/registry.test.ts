import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { digestOf, ociImage } from '../../src/node/containerd/oci-image.ts'
import { startRegistry, type TestRegistry } from './registry.ts'

const image = ociImage({
  architecture: 'amd64',
  layers: [[{ type: 'file', path: 'hello', mode: 0o644, content: Buffer.from('hi') }]],
  config: {},
})
const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`
let registry: TestRegistry
before(async () => {
  registry = await startRegistry({ basicAuth: { username: 'ann', password: 'secret' } })
  registry.add('team/tool', '1', image)
})
after(() => registry.close())

const get = (path: string, init: RequestInit = {}) => fetch(`${registry.url}${path}`, { ...init, headers: { authorization } })

test('nothing is served without the password', async () => {
  const response = await fetch(`${registry.url}/v2/`)
  assert.deepEqual([response.status, response.headers.get('www-authenticate')], [401, 'Basic realm="registry"'])
})

test('an image is served by tag, by digest and in its parts', async () => {
  for (const reference of ['1', image.manifest.digest]) {
    const response = await get(`/v2/team/tool/manifests/${reference}`)
    assert.equal(response.headers.get('docker-content-digest'), image.manifest.digest)
    assert.equal(digestOf(Buffer.from(await response.arrayBuffer())), image.manifest.digest)
  }
  for (const { digest } of [image.config, ...image.layers]) {
    assert.equal(digestOf(Buffer.from(await (await get(`/v2/team/tool/blobs/${digest}`)).arrayBuffer())), digest)
  }
  assert.equal((await get('/v2/team/tool/manifests/2')).status, 404)
})

test('what is pushed in chunks is served; a wrong digest is refused', async () => {
  const content = Buffer.from('pushed')
  const started = await get('/v2/a/blobs/uploads/', { method: 'POST' })
  const location = started.headers.get('location')!
  await get(location, { method: 'PATCH', body: content.subarray(0, 3) })
  assert.equal((await get(`${location}?digest=${digestOf(content)}`, { method: 'PUT', body: content.subarray(3) })).status, 201)
  assert.equal(await (await get(`/v2/a/blobs/${digestOf(content)}`)).text(), 'pushed')
  assert.equal((await get(`/v2/a/blobs/uploads/?digest=${digestOf(content)}`, { method: 'POST', body: 'other' })).status, 400)
})
