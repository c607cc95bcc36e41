import { identityHeaders } from '../apiserver/aggregation/remote-server.ts'
import type { Dialer } from '../apiserver/node-dialer.ts'
import { type ExplainRequest, forwardedParameter } from '../apiserver/subresources/explain.ts'
import type { Client } from '../client/contract.ts'
import { responseError } from '../client/response-error.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { leaderAddress } from './api-server-endpoints.ts'

/**
 * The explanation that the leading server's scheduler gives, asked for in the caller's name: the leader judges by its own policy. Throws
 * StatusError: 503 while none leads or it does not answer, else what it answered.
 */
export async function leaderExplanation(
  { client, peers }: { readonly client: Client; readonly peers: Dialer },
  { namespace, name, user, signal, isForwarded }: ExplainRequest,
): Promise<object> {
  const leader = isForwarded ? undefined : await leaderAddress(client)
  if (!leader) throw statusErrors.serviceUnavailable('no server leads at this moment; ask again when one has taken over')
  const target = { host: leader.address, port: leader.port, isSecure: true, isNode: true }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/explain?${forwardedParameter}=true`
  try {
    const { code, body } = await peers.request(target, { method: 'GET', path, headers: identityHeaders(user), body: undefined, signal })
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    if (code >= 400) throw responseError(code, text)
    return JSON.parse(text) as object
  } catch (error) {
    if (!isBroken(error)) throw error
    const why = `the server that leads, at ${leader.address}:${leader.port}, does not answer: ${error.message}`
    throw statusErrors.serviceUnavailable(why)
  }
}

const isBroken = (error: unknown): error is Error => error instanceof Error && 'code' in error && typeof error.code === 'string'
