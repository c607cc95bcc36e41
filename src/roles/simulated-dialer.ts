import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'
import type { Dialer } from '../apiserver/reach/node-dialer.ts'
import type { NodeDoor } from '../node/node-agent.ts'
import { isSimulatedAddress } from './simulated-address.ts'

/** The agent's port as real nodes have it. */
const agentPort = 10_250

/**
 * Reaches simulated nodes without a packet, a port or a certificate: thousands of them live in one process, and an address of theirs is
 * a key of a table here. Whatever is no simulated node goes to `next`.
 */
export type SimulatedDialer = { readonly dialer: Dialer; door(address: string): NodeDoor }

export function createSimulatedDialer(next?: Dialer): SimulatedDialer {
  const doors = new Map<string, (connection: Duplex) => void>()
  const knock = (host: string, port: number): Duplex => {
    const accept = doors.get(host)
    if (!accept) throw new Error(`dial tcp ${host}:${port}: connect: connection refused`)
    const [near, far] = duplexPair()
    accept(far)
    return near
  }
  // A pod of a node's own network has the node's address: no packet for it may leave the machine.
  const elsewhere = (host: string, port: number) => (next && !isSimulatedAddress(host) ? next : refuse(host, port))
  return {
    dialer: {
      request: async (target, sent) =>
        target.isNode
          ? requestOver(knock(target.host, target.port), target.host, sent)
          : elsewhere(target.host, target.port).request(target, sent),
      connect: async (target) => (target.isNode ? knock(target.host, target.port) : elsewhere(target.host, target.port).connect(target)),
      close: () => next?.close(),
    },
    door: (address) => ({
      port: agentPort,
      open: (accept) => {
        doors.set(address, accept)
        return () => {
          if (doors.get(address) === accept) doors.delete(address)
        }
      },
    }),
  }
}

function refuse(host: string, port: number): never {
  throw new Error(`dial tcp ${host}:${port}: simulated pods have no network`)
}

type Sent = Parameters<Dialer['request']>[1]

function requestOver(connection: Duplex, host: string, { method, path, headers, body, signal }: Sent): ReturnType<Dialer['request']> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host,
      method,
      path,
      headers: { ...headers, connection: 'close' },
      signal,
      createConnection: () => connection,
    })
    request.once('response', (response: IncomingMessage) =>
      resolve({ code: response.statusCode ?? 502, headers: response.headers, body: response }),
    )
    request.once('error', reject)
    request.end(body)
  })
}
