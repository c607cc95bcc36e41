import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { createHttpFront } from '../../apiserver/http/http-front.ts'
import { silentLog } from '../../base/log.ts'
import { leafNames } from '../../platform/pki/cluster-pki.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { keepCertificates } from './keep-certificates.ts'

const dayMs = 24 * 3600 * 1000
const life = { lifeMs: 10 * dayMs, renewMs: 3 * dayMs }

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-certificates-'))
  try {
    await work(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

test('every certificate is renewed before its end, again and again, and the authority stays', () =>
  inFolder(async (dir) => {
    const clock = virtualClock()
    let renewals = 0
    const { pki, stop } = keepCertificates({ dir, hosts: () => ['localhost'], clock, log: silentLog, life }, () => renewals++)
    const [authority, first] = [pki.ca.cert, pki.apiserver.cert]
    await clock.advance(6.9 * dayMs)
    assert.equal(pki.apiserver.cert, first)
    await clock.advance(0.2 * dayMs)
    assert.equal(renewals, 1)
    assert.notEqual(pki.apiserver.cert, first)
    assert.equal(pki.ca.cert, authority)
    assert.equal(readFileSync(join(dir, 'apiserver.crt'), 'utf8'), pki.apiserver.cert)
    for (let day = 0; day < 40; day++) {
      await clock.advance(dayMs)
      for (const name of leafNames) {
        const leftMs = Date.parse(new X509Certificate(pki[name].cert).validTo) - clock.now()
        assert.ok(leftMs > 2.9 * dayMs, `${name} has ${leftMs} ms left`)
      }
    }
    stop()
    assert.equal(clock.pendingTimers(), 0)
  }))

test('certificates of a year wait for their day in steps that a timer can hold', () =>
  inFolder(async (dir) => {
    const clock = virtualClock()
    const { pki, stop } = keepCertificates({ dir, hosts: () => ['localhost'], clock, log: silentLog }, () => {})
    const first = pki.apiserver.cert
    await clock.advance(304 * dayMs)
    assert.equal(pki.apiserver.cert, first)
    await clock.advance(2 * dayMs)
    assert.notEqual(pki.apiserver.cert, first)
    stop()
  }))

test('a server shows the renewed certificate without a restart, and connections that are open go on', (t) =>
  inFolder(async (dir) => {
    const clock = virtualClock(systemClock.now() - 8 * dayMs)
    const { pki, stop } = keepCertificates({ dir, hosts: () => ['127.0.0.1'], clock, log: silentLog, life }, () => front.renewCertificate())
    const front = createHttpFront({
      handle: async () => ({ code: 200, headers: {}, body: Buffer.from('ok') }),
      upgrade: async () => {},
      tls: {
        get certificate() {
          return pki.apiserver.cert
        },
        get key() {
          return pki.apiserver.key
        },
        clientCa: pki.ca.cert,
      },
      clock: systemClock,
      log: silentLog,
    })
    const { port } = await front.listen({ host: '127.0.0.1', port: 0 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(async () => {
      agent.destroy()
      stop()
      await front.close(0)
    })
    const ask = (options: { agent: Agent | false }) =>
      new Promise<{ serial: string; socket: object }>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, ca: pki.ca.cert, ...options }, (response) => {
          const socket = response.socket as TLSSocket
          response.resume().once('end', () => resolve({ serial: socket.getPeerCertificate().serialNumber, socket }))
        })
        sent.once('error', reject).end()
      })
    const before = await ask({ agent })
    await clock.advance(8 * dayMs)
    const kept = await ask({ agent })
    assert.equal(kept.socket, before.socket)
    const renewed = await ask({ agent: false })
    assert.equal(renewed.serial, new X509Certificate(pki.apiserver.cert).serialNumber)
    assert.notEqual(renewed.serial, before.serial)
  }))
