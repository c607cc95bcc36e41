import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { sender } from '../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(1) })
after(() => api.close())
const send = sender(api)

test('documents are indented for people, as objects are', async () => {
  const firstLine = async (path: string, agent: string) =>
    (await send('GET', path, { accept: '*/*', headers: { 'user-agent': agent } })).text.split('\n')[0]
  for (const path of ['/apis', '/apis/apps/v1', '/api/v1/namespaces/default']) {
    assert.equal(await firstLine(path, 'curl/8.0'), '{', path)
    assert.match((await firstLine(path, 'kubectl/v1.36.0')) ?? '', /^\{"kind"/, path)
  }
})
