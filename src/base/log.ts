/** Structured log, one line an event. Never pass a secret, a token or a request body as a field. */
export type Log = {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A log whose lines all carry `fields`. */
  child(fields: LogFields): Log
}

export type LogFields = Readonly<Record<string, unknown>>

/** Drops every line. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }
