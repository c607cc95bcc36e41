/** What the flags on the audit log say: where events go, and who waits for them. */
import type { AuditBackend, AuditLog, AuditSink } from '../../apiserver/audit/audit-log.ts'
import type { AuditMetrics } from '../../apiserver/audit/audit-metrics.ts'
import type { BatchOptions, BatchTarget } from '../../apiserver/audit/batch-sink.ts'
import type { PeerParts } from '../../apiserver/reach/review-peer.ts'
import type { Log } from '../../base/log.ts'
import { openRotatingFile } from '../../platform/rotating-file.ts'
import type { FlagReader } from './flag-reader.ts'

const mebibyte = 1024 * 1024
const dayMs = 24 * 3600 * 1000
const modes = ['batch', 'blocking', 'blocking-strict'] as const
const versions = ['audit.k8s.io/v1'] as const

type Parts = PeerParts & { readonly log: Log }
type BackendParts = Parts & { readonly metrics: AuditMetrics }

/** Undefined: nothing is recorded. Throws CliError for what cannot be used. */
export async function readAuditOptions(
  flags: FlagReader,
  parts: Parts,
): Promise<{ readonly log: AuditLog; close(): Promise<void> } | undefined> {
  const policyText = flags.file('audit-policy-file')
  const targets = ['audit-log-path', 'audit-webhook-config-file'].filter((name) => flags.text(name) !== undefined)
  if (policyText === undefined && targets.length === 0) return undefined
  const [{ parseAuditPolicy }, { createAuditLog }, { createAuditMetrics }] = await Promise.all([
    import('../../apiserver/audit/policy.ts'),
    import('../../apiserver/audit/audit-log.ts'),
    import('../../apiserver/audit/audit-metrics.ts'),
  ])
  const policy = flags.using(targets[0] ?? 'audit-policy-file', () => {
    if (policyText === undefined || targets.length === 0)
      throw new Error('--audit-policy-file goes together with --audit-log-path or --audit-webhook-config-file')
    return parseAuditPolicy(policyText)
  })
  const metrics = createAuditMetrics()
  const backends = [await fileBackend(flags, { ...parts, metrics }), await webhookBackend(flags, { ...parts, metrics })].filter(
    (backend) => backend !== undefined,
  )
  const log = createAuditLog({ policy, backends, clock: parts.clock, random: parts.random, metrics })
  return { log, close: async () => void (await Promise.all(backends.map(({ sink }) => sink.close()))) }
}

type Plugin = 'log' | 'webhook'

function truncation(flags: FlagReader, plugin: Plugin): Pick<AuditBackend, 'truncates'> {
  if (!flags.isTrue(`audit-${plugin}-truncate-enabled`, false)) return {}
  return { truncates: { eventBytesMax: flags.wholeNumber(`audit-${plugin}-truncate-max-event-size`, 100 * 1024) } }
}

/** What the flags say beside the defaults. */
function batchOf(flags: FlagReader, plugin: Plugin, byDefault: BatchOptions): BatchOptions {
  const positive = (name: string, byDefault: number) => {
    const value = flags.wholeNumber(`audit-${plugin}-batch-${name}`, byDefault)
    return flags.using(`audit-${plugin}-batch-${name}`, () => {
      if (value === 0) throw new Error('it must be a positive number')
      return value
    })
  }
  const isPaced = flags.isTrue(`audit-${plugin}-batch-throttle-enable`, byDefault.callsPerSecond > 0)
  return {
    bufferMax: positive('buffer-size', byDefault.bufferMax),
    batchMax: positive('max-size', byDefault.batchMax),
    waitMaxMs: flags.durationMs(`audit-${plugin}-batch-max-wait`, byDefault.waitMaxMs),
    callsPerSecond: isPaced ? positive('throttle-qps', byDefault.callsPerSecond) : 0,
    burst: isPaced ? positive('throttle-burst', byDefault.burst) : 0,
  }
}

async function batched(
  flags: FlagReader,
  plugin: Plugin,
  target: BatchTarget,
  { clock, log, metrics }: Pick<BackendParts, 'clock' | 'log' | 'metrics'>,
): Promise<AuditSink> {
  const { batchSink, defaultBatch, defaultLogBatch } = await import('../../apiserver/audit/batch-sink.ts')
  const dropped = (events: number) => {
    log.error({ events, plugin }, 'audit events were dropped: they come faster than they can be recorded')
    metrics.failed('buffered', events)
  }
  return batchSink(target, batchOf(flags, plugin, plugin === 'log' ? defaultLogBatch : defaultBatch), { clock, dropped })
}

async function fileBackend(flags: FlagReader, parts: BackendParts): Promise<AuditBackend | undefined> {
  const path = flags.text('audit-log-path')
  if (path === undefined) return undefined
  const { clock, log, metrics } = parts
  const { fileSink, fileTarget } = await import('../../apiserver/audit/file-sink.ts')
  const mode = flags.oneOf('audit-log-mode', modes, 'blocking')
  const format = flags.oneOf('audit-log-format', ['json', 'legacy'] as const, 'json')
  flags.oneOf('audit-log-version', versions, versions[0])
  const file = flags.using('audit-log-path', () =>
    openRotatingFile({
      path,
      bytesMax: flags.wholeNumber('audit-log-maxsize', 100) * mebibyte,
      backupsMax: flags.wholeNumber('audit-log-maxbackup', 100),
      ageMaxMs: flags.wholeNumber('audit-log-maxage', 366) * dayMs,
      isCompressed: flags.isTrue('audit-log-compress', false),
      clock,
      onError: (error) => {
        log.error({ error: error.message, path }, 'the audit log cannot be written')
        metrics.failed('log', 1)
      },
    }),
  )
  const sink = mode === 'batch' ? await batched(flags, 'log', fileTarget(file, format), parts) : fileSink(file, format)
  return { sink, ...truncation(flags, 'log') }
}

async function webhookBackend(flags: FlagReader, parts: BackendParts): Promise<AuditBackend | undefined> {
  const path = flags.text('audit-webhook-config-file')
  if (path === undefined) return undefined
  const [{ blockingWebhookSink, webhookTarget }, { reviewPeerFromKubeconfig }] = await Promise.all([
    import('../../apiserver/audit/webhook-sink.ts'),
    import('../../apiserver/reach/review-peer.ts'),
  ])
  const { log, metrics } = parts
  const failed = (events: number) => metrics.failed('webhook', events)
  const firstRetryMs = flags.durationMs('audit-webhook-initial-backoff', 10_000)
  flags.oneOf('audit-webhook-version', versions, versions[0])
  const peer = flags.using('audit-webhook-config-file', () => reviewPeerFromKubeconfig(path, { ...parts, firstRetryMs }))
  const mode = flags.oneOf('audit-webhook-mode', modes, 'batch')
  if (mode !== 'batch')
    return { sink: blockingWebhookSink(peer, { log, failed }), isStrict: mode === 'blocking-strict', ...truncation(flags, 'webhook') }
  const { truncates } = truncation(flags, 'webhook')
  const bytesMax = flags.wholeNumber('audit-webhook-truncate-max-batch-size', 10 * mebibyte)
  const target = webhookTarget(peer, { log, failed, ...(truncates ? { bytesMax } : {}) })
  return { sink: await batched(flags, 'webhook', target, parts), ...(truncates ? { truncates } : {}) }
}
