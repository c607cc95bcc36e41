import { request as httpsRequest } from 'node:https'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { APIServiceSpec } from '../../kinds/generated/types/apiregistration-v1.ts'
import type { UserInfo } from '../contract.ts'
import { dialed, type DialResponse, sendDialed } from '../reach/dial.ts'
import { agentThrough, type PodWay } from '../reach/pod-tunnel.ts'

/** What this server shows to aggregated ones: a client certificate of the front-proxy authority. */
export type FrontProxy = { readonly certificate: string; readonly key: string }

export type Address = { readonly host: string; readonly port: number }

export type RemoteRequest = {
  readonly method: string
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: Uint8Array | undefined
  readonly signal: AbortSignal
}

/** Connections to one aggregated API server. Failures are the socket's own errors. */
export type RemoteServer = {
  /** `isVerified` false: its certificate does not matter (the check of availability, as upstream's). */
  request(address: Address, request: RemoteRequest, options?: { readonly isVerified: boolean }): Promise<DialResponse>
  connect(address: Address): Promise<Duplex>
  close(): void
}

/** TLS under the service's name, verified by `caBundle` or not at all, as its APIService says. */
export function createRemoteServer(spec: APIServiceSpec, frontProxy: FrontProxy | undefined, way: PodWay): RemoteServer {
  const servername = `${spec.service?.name ?? ''}.${spec.service?.namespace ?? ''}.svc`
  // Read for each connection: it may be renewed meanwhile.
  const identity = () => (frontProxy ? { cert: frontProxy.certificate, key: frontProxy.key } : {})
  const trust = spec.insecureSkipTLSVerify
    ? { rejectUnauthorized: false }
    : spec.caBundle
      ? { ca: Buffer.from(spec.caBundle, 'base64').toString() }
      : {}
  const agent = agentThrough({ keepAlive: true, maxSockets: 256, maxFreeSockets: 4, servername, ...trust }, way)
  const unverified = agentThrough({ keepAlive: false, servername, rejectUnauthorized: false }, way)
  return {
    request: ({ host, port }, { body, ...rest }, { isVerified } = { isVerified: true }) => {
      const sent = httpsRequest({ host, port, agent: isVerified ? agent : unverified, servername, ...identity(), ...rest })
      return sendDialed(sent, { host, port }, body)
    },
    connect: async ({ host, port }) => {
      const socket = await way({ host, port })?.()
      const options = { host, port, servername, ...(socket ? { socket } : {}), ...identity(), ...trust }
      return dialed(connectTls(options), { host, port }, 'secureConnect')
    },
    close: () => {
      agent.destroy()
      unverified.destroy()
    },
  }
}

/** Who asks, in the headers that aggregated servers believe from this one (https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/). */
export function identityHeaders({ name, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  return {
    'X-Remote-User': name,
    ...(uid ? { 'X-Remote-Uid': uid } : {}),
    ...(groups.length > 0 ? { 'X-Remote-Group': [...groups] } : {}),
    ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`X-Remote-Extra-${escapedKey(key)}`, [...values]])),
  }
}

/** What is no letter of a header's name is written in percent, as upstream does. */
const escapedKey = (key: string) =>
  key.replace(/[^!#$&'*+\-.^_`|~0-9A-Za-z]/g, (c) =>
    [...Buffer.from(c)].map((b) => `%${b.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
