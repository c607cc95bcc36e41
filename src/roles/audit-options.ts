/** What the flags on the audit log say. */
import type { AuditLog } from '../apiserver/audit/audit-log.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { openRotatingFile } from '../platform/rotating-file.ts'
import type { FlagReader } from './flag-reader.ts'

const mebibyte = 1024 * 1024
const dayMs = 24 * 3600 * 1000

type Parts = { readonly clock: Clock; readonly random: Random; readonly log: Log }

/** Undefined: nothing is recorded. Throws CliError for what cannot be used. */
export async function readAuditOptions(
  flags: FlagReader,
  { clock, random, log }: Parts,
): Promise<{ readonly log: AuditLog; close(): Promise<void> } | undefined> {
  const [policyText, path] = [flags.file('audit-policy-file'), flags.text('audit-log-path')]
  if (policyText === undefined && path === undefined) return undefined
  const [{ parseAuditPolicy }, { createAuditLog }] = await Promise.all([
    import('../apiserver/audit/policy.ts'),
    import('../apiserver/audit/audit-log.ts'),
  ])
  return flags.using(policyText === undefined ? 'audit-log-path' : 'audit-policy-file', () => {
    if (policyText === undefined || path === undefined) throw new Error('--audit-policy-file and --audit-log-path go together')
    const policy = parseAuditPolicy(policyText)
    const sink = openRotatingFile({
      path,
      bytesMax: flags.wholeNumber('audit-log-maxsize', 100) * mebibyte,
      backupsMax: flags.wholeNumber('audit-log-maxbackup', 0),
      ageMaxMs: flags.wholeNumber('audit-log-maxage', 0) * dayMs,
      clock,
      onError: (error) => log.error({ error: error.message, path }, 'the audit log cannot be written'),
    })
    return { log: createAuditLog({ policy, sink, clock, random }), close: () => sink.close() }
  })
}
