import { seededRandom } from '../../src/base/random.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import { collected, headersOf, type Send } from './run-cases.ts'

/** This API server, with every default plugin on, and how to send to it. */
export async function ownApi(): Promise<{ send: Send; close(): Promise<void> }> {
  const { api } = await createTestApi({ clock: systemClock, random: seededRandom(1), withoutAdmission: [] })
  const send: Send = async (request) => {
    const { method, path, body, events } = request
    const hangUp = new AbortController()
    const {
      code,
      headers,
      body: answer,
    } = await api.handle({
      method,
      url: path,
      headers: headersOf(request),
      body: body === undefined ? undefined : Buffer.from(body),
      credentials: { clientCertificate: undefined, bearerToken: 'any' },
      remoteAddress: '127.0.0.1',
      signal: AbortSignal.any([hangUp.signal, AbortSignal.timeout(30_000)]),
    })
    const whole = answer instanceof Uint8Array ? answer : await collected(answer, events)
    hangUp.abort()
    return { code, body: whole, headers: lowerCased(headers) }
  }
  return { send, close: () => api.close() }
}

const lowerCased = <T>(headers: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
