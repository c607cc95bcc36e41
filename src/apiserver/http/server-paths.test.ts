import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthPaths } from './server-paths.ts'

test('the indicators of the level of service tell how checks of health came out, of each root', async () => {
  let isWell = true
  const answer = healthPaths({
    live: [{ name: 'ping', isHealthy: () => true }],
    ready: [{ name: 'store', isHealthy: () => isWell }],
  })
  const context = { user: { name: 'probe', groups: [] }, headers: {}, signal: AbortSignal.abort(), method: 'GET' }
  const ask = async (url: string) => {
    const { pathname: path, searchParams } = new URL(url, 'https://keelson')
    const query = {
      get: (name: string) => searchParams.get(name) ?? undefined,
      getAll: (name: string) => searchParams.getAll(name),
      text: '',
    }
    return (await answer({ type: 'path', verb: 'get', path, query }, context))!
  }
  const told = async () =>
    Buffer.from((await ask('/metrics/slis')).body as Uint8Array)
      .toString()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
  assert.deepEqual(await told(), [])
  await ask('/livez')
  await ask('/readyz?exclude=ping')
  isWell = false
  assert.equal((await ask('/readyz')).code, 500)
  // A check by its own path counts for nothing, as upstream has it.
  await ask('/readyz/store')
  assert.deepEqual(await told(), [
    'kubernetes_healthcheck{name="ping",type="livez"} 1',
    'kubernetes_healthcheck{name="store",type="readyz"} 0',
    'kubernetes_healthcheck{name="ping",type="readyz"} 1',
    'kubernetes_healthchecks_total{name="ping",status="success",type="livez"} 1',
    'kubernetes_healthchecks_total{name="store",status="error",type="readyz"} 1',
    'kubernetes_healthchecks_total{name="store",status="success",type="readyz"} 1',
    'kubernetes_healthchecks_total{name="ping",status="success",type="readyz"} 1',
  ])
})
