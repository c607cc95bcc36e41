/** What the flags on the audit log say: where events go, and who waits for them. */
import type { AuditBackend, AuditLog } from '../apiserver/audit/audit-log.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { openRotatingFile } from '../platform/rotating-file.ts'
import type { FlagReader } from './flag-reader.ts'

const mebibyte = 1024 * 1024
const dayMs = 24 * 3600 * 1000
const modes = ['batch', 'blocking', 'blocking-strict'] as const

type Parts = { readonly clock: Clock; readonly random: Random; readonly log: Log }

/** Undefined: nothing is recorded. Throws CliError for what cannot be used. */
export async function readAuditOptions(
  flags: FlagReader,
  parts: Parts,
): Promise<{ readonly log: AuditLog; close(): Promise<void> } | undefined> {
  const policyText = flags.file('audit-policy-file')
  const targets = ['audit-log-path', 'audit-webhook-config-file'].filter((name) => flags.text(name) !== undefined)
  if (policyText === undefined && targets.length === 0) return undefined
  const [{ parseAuditPolicy }, { createAuditLog }] = await Promise.all([
    import('../apiserver/audit/policy.ts'),
    import('../apiserver/audit/audit-log.ts'),
  ])
  const policy = flags.using(targets[0] ?? 'audit-policy-file', () => {
    if (policyText === undefined || targets.length === 0)
      throw new Error('--audit-policy-file goes together with --audit-log-path or --audit-webhook-config-file')
    return parseAuditPolicy(policyText)
  })
  const webhook = await webhookBackend(flags, parts)
  const backends = [await fileBackend(flags, parts), webhook].filter((backend) => backend !== undefined)
  const log = createAuditLog({ policy, backends, clock: parts.clock, random: parts.random })
  return { log, close: async () => void (await Promise.all(backends.map(({ sink }) => sink.close()))) }
}

function truncation(flags: FlagReader, plugin: 'log' | 'webhook'): Pick<AuditBackend, 'truncates'> {
  if (!flags.isTrue(`audit-${plugin}-truncate-enabled`, false)) return {}
  return { truncates: { eventBytesMax: flags.wholeNumber(`audit-${plugin}-truncate-max-event-size`, 100 * 1024) } }
}

async function fileBackend(flags: FlagReader, { clock, log }: Parts): Promise<AuditBackend | undefined> {
  const path = flags.text('audit-log-path')
  if (path === undefined) return undefined
  const { fileSink } = await import('../apiserver/audit/file-sink.ts')
  const mode = flags.oneOf('audit-log-mode', modes, 'blocking')
  const format = flags.oneOf('audit-log-format', ['json', 'legacy'] as const, 'json')
  const file = flags.using('audit-log-path', () =>
    openRotatingFile({
      path,
      bytesMax: flags.wholeNumber('audit-log-maxsize', 100) * mebibyte,
      backupsMax: flags.wholeNumber('audit-log-maxbackup', 0),
      ageMaxMs: flags.wholeNumber('audit-log-maxage', 0) * dayMs,
      isCompressed: flags.isTrue('audit-log-compress', false),
      clock,
      onError: (error) => log.error({ error: error.message, path }, 'the audit log cannot be written'),
    }),
  )
  const dropped = (events: number) => log.error({ events, path }, 'audit events were dropped: the file is slower than the requests')
  return { sink: fileSink(file, { format, isBlocking: mode !== 'batch', dropped }), ...truncation(flags, 'log') }
}

async function webhookBackend(flags: FlagReader, parts: Parts): Promise<AuditBackend | undefined> {
  const path = flags.text('audit-webhook-config-file')
  if (path === undefined) return undefined
  const [{ batchWebhookSink, blockingWebhookSink, defaultBatch }, { reviewPeerFromKubeconfig }] = await Promise.all([
    import('../apiserver/audit/webhook-sink.ts'),
    import('../apiserver/review-peer.ts'),
  ])
  const firstRetryMs = flags.durationMs('audit-webhook-initial-backoff', 10_000)
  const peer = flags.using('audit-webhook-config-file', () => reviewPeerFromKubeconfig(path, { ...parts, firstRetryMs }))
  const mode = flags.oneOf('audit-webhook-mode', modes, 'batch')
  if (mode !== 'batch')
    return { sink: blockingWebhookSink(peer, parts), isStrict: mode === 'blocking-strict', ...truncation(flags, 'webhook') }
  const positive = (name: string, byDefault: number) => {
    const value = flags.wholeNumber(`audit-webhook-batch-${name}`, byDefault)
    return flags.using(`audit-webhook-batch-${name}`, () => {
      if (value === 0) throw new Error('it must be a positive number')
      return value
    })
  }
  const isPaced = flags.isTrue('audit-webhook-batch-throttle-enable', true)
  const batch = {
    bufferMax: positive('buffer-size', defaultBatch.bufferMax),
    batchMax: positive('max-size', defaultBatch.batchMax),
    waitMaxMs: flags.durationMs('audit-webhook-batch-max-wait', defaultBatch.waitMaxMs),
    callsPerSecond: isPaced ? positive('throttle-qps', defaultBatch.callsPerSecond) : 0,
    burst: positive('throttle-burst', defaultBatch.burst),
  }
  return { sink: batchWebhookSink(peer, batch, parts), ...truncation(flags, 'webhook') }
}
