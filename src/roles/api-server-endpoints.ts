/**
 * Which API servers there are. Each keeps a Lease of its own, as upstream's do, that says where it is reached; whoever renews puts all
 * living ones into the endpoints of the `kubernetes` Service. A server that ends takes itself out; one that dies is out when its
 * Lease has not been renewed for `leaseMs`.
 */
import { type Clock, sleep, toMicroTime } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Lease } from '../kinds/generated/types/coordination-v1.ts'
import { deepEqual } from '../machinery/deep-equal.ts'
import { isStatus } from '../machinery/status-error.ts'

export type ServerAddress = { readonly address: string; readonly port: number }

/** The Lease of the server at which the controllers and the scheduler run. */
export const leaderLeaseName = { namespace: 'kube-system', name: 'kube-controller-manager' } as const

const leaseMs = 30_000
const renewMs = 10_000
const namespace = 'kube-system'
const identityLabel = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } as const
const addressAnnotation = 'keelson.dev/apiserver-address'

/**
 * Pure: the servers whose Leases are alive, in a fixed order, for who looks once. `nowMs` and the renewals are read on different clocks: a
 * little skew is allowed for by the Lease's length.
 */
export function livingServers(leases: readonly Lease[], nowMs: number): ServerAddress[] {
  return serversOf(leases.filter((lease) => endsAtMs(lease) > nowMs))
}

const endsAtMs = ({ spec }: Lease) => Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? 0) * 1000

/**
 * The same for who looks again and again: once a renewal has been seen to come, the time since then counts, on this server's own clock. So
 * servers whose clocks differ, and one whose clock is set, agree who lives.
 */
export class ServerAges {
  readonly #seen = new Map<string, { renewTime: string | undefined; atMs: number; hasRenewed: boolean }>()

  living(leases: readonly Lease[], now: { readonly wallMs: number; readonly monotonicMs: number }): ServerAddress[] {
    const names = new Set(leases.map(({ metadata }) => metadata.name ?? ''))
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name)
    return serversOf(leases.filter((lease) => this.#isAlive(lease, now)))
  }

  #isAlive(lease: Lease, now: { readonly wallMs: number; readonly monotonicMs: number }): boolean {
    const name = lease.metadata.name ?? ''
    const { renewTime, leaseDurationSeconds = 0 } = lease.spec ?? {}
    let seen = this.#seen.get(name)
    if (!seen || seen.renewTime !== renewTime) {
      seen = { renewTime, atMs: now.monotonicMs, hasRenewed: seen !== undefined }
      this.#seen.set(name, seen)
    }
    return now.monotonicMs - seen.atMs < leaseDurationSeconds * 1000 && (seen.hasRenewed || endsAtMs(lease) > now.wallMs)
  }
}

function serversOf(leases: readonly Lease[]): ServerAddress[] {
  const addresses = leases.map(({ metadata }) => metadata.annotations?.[addressAnnotation] ?? '').filter((address) => address !== '')
  return [...new Set(addresses)].sort().map(addressOf)
}

/** Where the living servers are reached. */
export async function serverAddresses(client: Client, clock: Clock): Promise<ServerAddress[]> {
  return livingServers((await serverLeases(client)).items, clock.now())
}

const serverLeases = (client: Client) =>
  client.resource(kindRefs.coordinationV1.leases, namespace).list({ labelSelector: 'apiserver.kubernetes.io/identity=kube-apiserver' })

/** Pure: Leases of servers that have been dead for an hour. As upstream, whose servers leave theirs behind too when they are killed. */
export function forgottenLeases(leases: readonly Lease[], nowMs: number): string[] {
  return leases.filter((lease) => endsAtMs(lease) + forgetMs < nowMs).map(({ metadata }) => metadata.name ?? '')
}

const forgetMs = 3600_000

/** Where the server that leads is reached; undefined when none does, or it has said no address yet. */
export async function leaderAddress(client: Client): Promise<ServerAddress | undefined> {
  const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
  const holder = (await leases.get(leaderLeaseName.name).catch(absent))?.spec?.holderIdentity
  const own = holder ? await leases.get(leaseName(holder)).catch(absent) : undefined
  const text = own?.metadata.annotations?.[addressAnnotation]
  return text ? addressOf(text) : undefined
}

function addressOf(text: string): ServerAddress {
  const colon = text.lastIndexOf(':')
  return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}

/** Loopback cannot be an endpoint: pods would reach themselves. */
const canBeEndpoint = ({ address }: ServerAddress) => !address.startsWith('127.')

/** Pure: the Endpoints' subsets, one a port that servers listen on. */
export function subsetsOf(servers: readonly ServerAddress[]) {
  return [...Map.groupBy(servers, (server) => server.port)].map(([port, those]) => ({
    addresses: those.map(({ address }) => ({ ip: address })),
    ports: [{ name: 'https', port, protocol: 'TCP' as const }],
  }))
}

/** Keeps this server among the endpoints until the signal aborts. `identity`: unique among the servers, fit for a name. */
export async function keepAmongEndpoints(
  parts: { client: Client; clock: Clock; log: Log; identity: string; at: ServerAddress },
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = parts
  const ages = new ServerAges()
  while (!signal.aborted) {
    try {
      await renewLease(parts)
      await writeEndpoints(parts, ages)
    } catch (error) {
      log.warn({ error: String(error) }, "the servers' endpoints could not be kept; trying again")
    }
    await sleep(clock, renewMs, signal).catch(() => {})
  }
  try {
    await parts.client.resource(kindRefs.coordinationV1.leases, namespace).delete(leaseName(parts.identity))
    await writeEndpoints(parts, ages)
  } catch (error) {
    log.debug({ error: String(error) }, "this server's lease could not be given back; it expires by itself")
  }
}

const leaseName = (identity: string) => `apiserver-${identity}`

async function renewLease({
  client,
  clock,
  identity,
  at,
}: {
  client: Client
  clock: Clock
  identity: string
  at: ServerAddress
}): Promise<void> {
  const leases = client.resource(kindRefs.coordinationV1.leases, namespace)
  const name = leaseName(identity)
  const renewTime = toMicroTime(clock.now())
  const metadata = { name, namespace, labels: identityLabel, annotations: { [addressAnnotation]: `${at.address}:${at.port}` } }
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseMs / 1000, renewTime }
  try {
    await leases.patch(name, { type: 'merge', body: { metadata, spec } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
    await leases.create({ metadata, spec })
  }
}

async function writeEndpoints({ client, clock }: { client: Client; clock: Clock }, ages: ServerAges): Promise<void> {
  const leases = await serverLeases(client)
  const forgotten = forgottenLeases(leases.items, clock.now())
  await Promise.all(forgotten.map((name) => client.resource(kindRefs.coordinationV1.leases, namespace).delete(name).catch(absent)))
  const now = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
  const servers = ages.living(leases.items, now).filter(canBeEndpoint)
  const subsets = subsetsOf(servers)
  const endpoints = client.resource(kindRefs.coreV1.endpoints, 'default')
  const found = await endpoints.get('kubernetes').catch(absent)
  const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  if (!found) await endpoints.create({ metadata: { name: 'kubernetes', namespace: 'default', labels }, subsets }).catch(existing)
  else if (!deepEqual(found.subsets ?? [], subsets)) await endpoints.update({ ...found, subsets }).catch(conflicting)
  const slices = client.resource(kindRefs.discoveryV1.endpointSlices, 'default')
  const slice = await slices.get('kubernetes').catch(absent)
  // A slice has one list of ports: that of the servers' first port, which is the only one outside of tests.
  const port = servers[0]?.port
  const content = {
    addressType: 'IPv4' as const,
    endpoints: servers.filter((s) => s.port === port).map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
    ports: port === undefined ? [] : [{ name: 'https', port, protocol: 'TCP' as const }],
  }
  const metadata = { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } }
  if (!slice) await slices.create({ metadata, ...content }).catch(existing)
  else if (!deepEqual(slice.endpoints ?? [], content.endpoints)) await slices.update({ ...slice, ...content }).catch(conflicting)
}

/** Another server wrote the same meanwhile, or will look again soon. */
const ignoring =
  (reason: 'NotFound' | 'AlreadyExists' | 'Conflict') =>
  (error: unknown): undefined => {
    if (!isStatus(error, reason)) throw error
  }
const absent = ignoring('NotFound')
const existing = ignoring('AlreadyExists')
const conflicting = ignoring('Conflict')
