import { seededRandom } from '../../src/base/random.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import type { Send } from './run-cases.ts'

async function collected(blocks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const block of blocks) all.push(block)
  return Buffer.concat(all)
}

/** This API server, with every default plugin on, and how to send to it. */
export async function ownApi(): Promise<{ send: Send; close(): Promise<void> }> {
  const { api } = await createTestApi({ clock: systemClock, random: seededRandom(1), withoutAdmission: [] })
  const send: Send = async ({ method, path, body, contentType, accept, as }) => {
    const {
      code,
      headers,
      body: answer,
    } = await api.handle({
      method,
      url: path,
      headers: {
        'content-type': contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'),
        'user-agent': 'upstream-case',
        ...(accept ? { accept } : {}),
        ...(as ? { 'impersonate-user': as } : {}),
      },
      body: body === undefined ? undefined : Buffer.from(body),
      credentials: { clientCertificate: undefined, bearerToken: 'any' },
      remoteAddress: '127.0.0.1',
      signal: AbortSignal.timeout(30_000),
    })
    const whole = answer instanceof Uint8Array ? answer : await collected(answer)
    return { code, body: whole, warnings: [headers.warning ?? headers.Warning ?? []].flat() }
  }
  return { send, close: () => api.close() }
}
