import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { CliError } from '../../cli/cli-error.ts'
import { authorityHash } from '../../platform/pki/certificate.ts'

/** The exit code for a server that does not answer: waiting may help. */
export const unreachableCode = 3
const answerMs = 10_000

/**
 * The authority (PEM) that the server shows, when its hash is the one given. Nothing is sent to it before. Throws CliError: with
 * `unreachableCode` when there is no answer, else when it shows another authority.
 */
export async function pinnedAuthority(server: string, caHash: string): Promise<string> {
  const shown = await shownAuthority(server)
  if (shown === undefined || authorityHash(shown) !== caHash)
    throw new CliError(`the server at ${server} is not the one that --ca-hash names`, {
      nextStep: 'make a new token there, or check the address',
    })
  return shown
}

/** The last certificate of the chain that the server presents; unchecked. */
function shownAuthority(server: string): Promise<string | undefined> {
  const { hostname, port } = new URL(server)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 443), rejectUnauthorized: false, servername: 'kubernetes' }, () => {
      let certificate = socket.getPeerCertificate(true)
      while (certificate?.issuerCertificate && certificate.issuerCertificate.fingerprint256 !== certificate.fingerprint256)
        certificate = certificate.issuerCertificate
      socket.destroy()
      resolve(certificate?.raw ? new X509Certificate(certificate.raw).toString() : undefined)
    })
    socket.setTimeout(answerMs, () => socket.destroy(new Error(`no answer in ${answerMs / 1000} s`)))
    socket.once('error', (error) =>
      reject(new CliError(`cannot reach the server at ${server}`, { nextStep: error.message, exitCode: unreachableCode, cause: error })),
    )
  })
}
