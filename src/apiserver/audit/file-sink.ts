/** Audit events as lines of a file. */
import type { AuditSink } from './audit-log.ts'

export type LineFile = { write(line: string): void; full(): Promise<void> | undefined; close(): Promise<void> }
export type LineFormat = 'json' | 'legacy'

/** `blocking`: while the file is behind, requests wait for it; otherwise events that come then are dropped, and `dropped` is told how many. */
export function fileSink(
  file: LineFile,
  options: { readonly format: LineFormat; readonly isBlocking: boolean; readonly dropped: (events: number) => void },
): AuditSink {
  const line = options.format === 'json' ? (event: object) => JSON.stringify(event) : legacyLine
  let lost = 0
  return {
    write: (event) => {
      if (!options.isBlocking && file.full()) {
        lost++
        return undefined
      }
      if (lost > 0) options.dropped(lost)
      lost = 0
      file.write(line(event))
      return undefined
    },
    full: () => (options.isBlocking ? file.full() : undefined),
    close: () => file.close(),
  }
}

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
