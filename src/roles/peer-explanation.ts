import { identityHeaders } from '../apiserver/aggregation/remote-server.ts'
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../apiserver/reach/node-dialer.ts'
import { type ExplainRequest, forwardedParameter } from '../apiserver/subresources/explain.ts'
import type { Client } from '../client/contract.ts'
import { responseError } from '../client/response-error.ts'
import { statusErrors } from '../machinery/status-error.ts'
import { leaderAddress, type ServerAddress, serverAddresses } from './api-server-endpoints.ts'

type Peers = { readonly client: Client; readonly peers: Dialer }

/**
 * The explanation that the leading server's scheduler gives, asked for in the caller's name: the leader judges by its own policy. Throws
 * StatusError: 503 while none leads or it does not answer, else what it answered.
 */
export async function leaderExplanation(parts: Peers, request: ExplainRequest): Promise<object> {
  const leader = request.isForwarded ? undefined : await leaderAddress(parts.client)
  if (!leader) throw statusErrors.serviceUnavailable('no server leads at this moment; ask again when one has taken over')
  return ask(parts.peers, leader, request)
}

/**
 * The explanation of that server, among several with schedulers, whose scheduler decided about the pod; undefined when none of those
 * that answer did.
 */
export async function deciderExplanation(
  { client, peers, clock, self }: Peers & { readonly clock: Clock; readonly self: ServerAddress | undefined },
  request: ExplainRequest,
): Promise<object | undefined> {
  const others = (await serverAddresses(client, clock)).filter(({ address, port }) => address !== self?.address || port !== self.port)
  const answers = await Promise.allSettled(others.map((server) => ask(peers, server, request)))
  return answers.find((answer) => answer.status === 'fulfilled')?.value
}

async function ask(peers: Dialer, { address, port }: ServerAddress, { namespace, name, user, signal }: ExplainRequest): Promise<object> {
  const target = { host: address, port, isSecure: true, isNode: true }
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
    throw statusErrors.serviceUnavailable(`the server at ${address}:${port} does not answer: ${error.message}`)
  }
}

const isBroken = (error: unknown): error is Error => error instanceof Error && 'code' in error && typeof error.code === 'string'
