import { createHttpFront } from '../../src/apiserver/http/http-front.ts'
import { silentLog } from '../../src/base/log.ts'
import { issueCertificate, newAuthority } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { administratorToken, ownApi } from './own-api.ts'
import type { WireServer } from './wire.ts'

/** `ownApi` behind HTTPS on a port of this machine. */
export async function ownFront(): Promise<WireServer & { close(): Promise<void> }> {
  const span = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) }
  const authority = newAuthority({ commonName: 'ca', ...span })
  const server = issueCertificate(authority, { subject: { commonName: 'server' }, usages: ['server'], hosts: ['127.0.0.1'], ...span })
  const own = await ownApi()
  const front = createHttpFront({
    handle: own.handle,
    upgrade: () => Promise.reject(new Error('nothing is taken over')),
    tls: { certificate: server.cert, key: server.key, clientCa: authority.cert },
    clock: systemClock,
    log: silentLog,
  })
  const at = await front.listen({ host: '127.0.0.1', port: 0 })
  const close = async () => {
    await front.close(0)
    await own.close()
  }
  return { ...at, ca: authority.cert, token: administratorToken, close }
}
