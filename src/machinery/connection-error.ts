type SocketError = Error & {
  readonly code?: string
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

const unverified = new Set(['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])
const refusals: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
}

/** An address as URLs write it. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * What became of a connection, in the words of Go's network library, which people and programs know from upstream: of an error of a
 * socket its meaning, of anything else its message.
 */
export function connectionErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A name of several addresses: of the first, as there.
  if (error instanceof AggregateError) return connectionErrorText(error.errors[0] ?? error.message)
  const { code = '', address, port = 0, hostname = '', message } = error as SocketError
  if (unverified.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`
  // Node's words for an end in the middle.
  if (code === 'ECONNRESET') return message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer'
  if (address === undefined) return message
  const at = `dial tcp ${hostPort(address, port)}`
  if (code === 'ETIMEDOUT') return `${at}: i/o timeout`
  const refusal = refusals[code]
  return refusal === undefined ? message : `${at}: connect: ${refusal}`
}
