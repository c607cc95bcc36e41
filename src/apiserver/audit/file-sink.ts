/** Audit events as lines of a file. */
import type { AuditSink } from './audit-log.ts'
import type { BatchTarget } from './batch-sink.ts'

export type LineFile = { write(line: string): void; full(): Promise<void> | undefined; close(): Promise<void> }
export type LineFormat = 'json' | 'legacy'

/** While the file is behind, requests wait for it. */
export function fileSink(file: LineFile, format: LineFormat): AuditSink {
  const line = lineOf(format)
  return {
    write: (event) => {
      file.write(line(event))
      return undefined
    },
    full: () => file.full(),
    close: () => file.close(),
  }
}

/** Batches wait for the file, and nobody for them. */
export function fileTarget(file: LineFile, format: LineFormat): BatchTarget {
  const line = lineOf(format)
  return {
    deliver: async (events) => {
      for (const event of events) file.write(line(event))
      await file.full()
    },
    close: () => file.close(),
  }
}

const lineOf = (format: LineFormat) => (format === 'json' ? (event: object) => JSON.stringify(event) : legacyLine)

type Who = { readonly username?: string; readonly groups?: readonly string[] }
type Event = {
  readonly requestReceivedTimestamp?: string
  readonly auditID?: string
  readonly stage?: string
  readonly sourceIPs?: readonly string[]
  readonly verb?: string
  readonly requestURI?: string
  readonly userAgent?: string
  readonly user?: Who
  readonly impersonatedUser?: Who
  readonly objectRef?: { readonly namespace?: string }
  readonly responseStatus?: { readonly code?: number }
}

/** Upstream's one line of an event that is no JSON. */
export function legacyLine(value: object): string {
  const event = value as Event
  const list = (groups: readonly string[]) => groups.map((group) => JSON.stringify(group)).join(',')
  const { user, impersonatedUser: other } = event
  const fields = {
    id: event.auditID ?? '',
    stage: event.stage ?? '',
    ip: event.sourceIPs?.[0] ?? '<unknown>',
    method: event.verb ?? '',
    user: user?.username || '<none>',
    groups: user?.username && user.groups?.length ? list(user.groups) : '<none>',
    as: other ? (other.username ?? '') : '<self>',
    asgroups: other?.groups ? list(other.groups) : '<lookup>',
    'user-agent': event.userAgent ?? '',
    namespace: event.objectRef?.namespace || '<none>',
    uri: event.requestURI ?? '',
    response: event.responseStatus ? String(event.responseStatus.code ?? 0) : '<deferred>',
  }
  const text = Object.entries(fields).map(([name, field]) => `${name}=${JSON.stringify(field)}`)
  return `${event.requestReceivedTimestamp ?? ''} AUDIT: ${text.join(' ')}`
}
