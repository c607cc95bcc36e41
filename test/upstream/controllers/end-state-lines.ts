/** What controllers have made of a namespace, as lines that two clusters can be compared by: nothing in them is by chance or by the clock. */
import type { Client } from '../../../src/client/contract.ts'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import { allKinds } from '../../../src/kinds/all.ts'
import type { Event } from '../../../src/kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../../src/kinds/kind.ts'
import { isStatus } from '../../../src/machinery/status-error.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'
import type { Extra } from './scenario.ts'

const letters = 'bcdfghjklmnpqrstvwxz2456789'
const words: readonly (readonly [RegExp, string])[] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, 'TIME'],
  [/\b(?:10|127|192)\.\d+\.\d+\.\d+\b/g, 'IP'],
  [/\bfd00:10:[0-9a-f:]+/g, 'IP6'],
  [/\bnode-\d+\b/g, 'NODE'],
  [/-\d{8}(?!\d)/g, '-MINUTES'],
  [new RegExp(`-[${letters}]{6,10}(?![a-z0-9])`, 'g'), '-HASH'],
  [new RegExp(`-[${letters}]{5}(?![a-z0-9])`, 'g'), '-xxxxx'],
  [new RegExp(`^[${letters}]{6,10}$`, 'g'), 'HASH'],
]
const uid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g

type Uids = ReadonlyMap<string, string>

export function neutral(text: string, uids: Uids): string {
  const named = text.replace(uid, (found) => uids.get(found) ?? 'UID')
  return words.reduce((result, [pattern, word]) => result.replace(pattern, word), named)
}

/** Who else writes these, or where one write more or less shows. */
const left = [
  /^metadata\.(uid|resourceVersion|creationTimestamp|managedFields)/,
  /^(apiVersion|kind) =/,
  /resourceVersion = /,
  / = (?:null|\{\})$/,
]
/** Of pods only what their controllers make; how often slices are written depends on when pods are ready; ports of nodes are drawn. */
const leftOf: Readonly<Record<string, RegExp>> = {
  Pod: /^(?:spec|status)|^metadata\.(?:deletion|generation)/,
  EndpointSlice: /^metadata\.generation|trigger-time/,
  Endpoints: /trigger-time/,
  Service: /odePort = /,
  // Who asks is each cluster's administrator; where ours are compared nobody signs.
  CertificateSigningRequest: /^spec\.(?:username|uid|groups|extra|request)|^status\.certificate/,
}
const untold = new Set(['kubelet', 'default-scheduler'])

/** `extras`: objects of the cluster to tell of, too. */
export async function endStateLines(client: Client, namespace: string, extras: readonly Extra[]): Promise<string[]> {
  const found: { readonly kind: string; readonly object: KubeObject }[] = []
  for (const kind of allKinds) {
    const isOwn = kind.persisted && !kind.storedAs && kind.scope === 'Namespaced' && kind.verbs.includes('list')
    if (!isOwn || kind.group === 'events.k8s.io' || kind.group === 'keelson.dev') continue
    for (const object of await listed(client, kind, namespace)) found.push({ kind: kind.kind, object })
  }
  for (const { kind, name } of extras) {
    const object = await client
      .resource(kind)
      .get(name)
      .catch(() => undefined)
    if (object) found.push({ kind: kind.kind, object })
    const told = await client.resource(kindRefs.coreV1.events, 'default').list({ fieldSelector: `involvedObject.name=${name}` })
    // Another of this name may have been there before.
    const own = told.items.filter(({ involvedObject: { uid } }) => !object || uid === object.metadata.uid || uid === name)
    found.push(...own.map((event) => ({ kind: 'Event', object: event })))
  }
  const uids = new Map(
    found.map(({ kind, object }) => [object.metadata.uid ?? '', `UID(${kind}/${neutral(object.metadata.name ?? '', new Map())})`]),
  )
  const lines = found.flatMap(({ kind, object }) => {
    const name = neutral(object.metadata.name ?? '', uids)
    if (name === 'kube-root-ca.crt' || kind === 'ServiceAccount') return []
    if (kind === 'Event') return eventLines(object as Event, uids)
    const paths: string[] = []
    flatten(object, '', paths, uids)
    return linesOf(kind, name, paths)
  })
  return lines.sort()
}

/** Versions that the cluster does not serve have nothing. */
async function listed(client: Client, kind: KindRef, namespace: string): Promise<readonly KubeObject[]> {
  try {
    return (await client.resource(kind, namespace).list()).items
  } catch (error) {
    if (isStatus(error, 'NotFound')) return []
    throw error
  }
}

/** `paths`: each `path = value`. One line says that the object is there. */
export function linesOf(kind: string, name: string, paths: readonly string[]): string[] {
  const isLeft = (line: string) => left.some((pattern) => pattern.test(line)) || (leftOf[kind]?.test(line) ?? false)
  return [`${kind}/${name}`, ...paths.filter((line) => !isLeft(line)).map((line) => `${kind}/${name} ${line}`)]
}

/** Of writes that met another's: whether there was one is chance, with upstream's controllers too. */
const isByChance = ({ message, reason }: Event) =>
  reason === 'CIDRAssignmentFailed' || (message?.includes('Operation cannot be fulfilled') ?? false)
const toldBy = ({ source, reportingComponent }: Event) => source?.component || reportingComponent || ''
export const isTold = (event: Event) => !untold.has(toldBy(event)) && !isByChance(event)

function eventLines(event: Event, uids: Uids): string[] {
  if (!isTold(event)) return []
  const { involvedObject: about } = event
  const by = toldBy(event)
  // How often a warning is repeated is a matter of time; so is what is told of a claim at every look at it.
  const isCounted = event.type !== 'Warning' && by !== 'persistentvolume-controller'
  const count = isCounted && (event.count ?? 1) > 1 ? ' x2+' : ''
  return [
    `Event ${about.kind}/${neutral(about.name ?? '', uids)} ${event.type} ${event.reason}: ${neutral(event.message ?? '', uids)}${count} by ${by}`,
  ]
}

function flatten(value: unknown, path: string, lines: string[], uids: Uids): void {
  if (Array.isArray(value)) {
    if (value.length === 0) lines.push(`${path} = []`)
    for (const [index, item] of value.entries()) flatten(item, `${path}[${labelOf(value, item, path, uids) ?? index}]`, lines, uids)
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    if (entries.length === 0) lines.push(`${path} = {}`)
    for (const [key, inner] of entries) flatten(inner, path ? `${path}.${key}` : key, lines, uids)
  } else lines.push(`${path} = ${neutral(typeof value === 'string' ? value : JSON.stringify(value), uids)}`)
}

/** Items of lists that have no order of their own go by their type or name. */
function labelOf(list: readonly unknown[], item: unknown, path: string, uids: Uids): string | undefined {
  if (!list.every((one) => typeof one === 'object' && one !== null)) return undefined
  const {
    type,
    name,
    targetRef,
    addresses,
    ports = [],
    key = '',
    effect = '',
  } = item as {
    readonly key?: string
    readonly effect?: string
    readonly targetRef?: { readonly name?: string }
    readonly type?: unknown
    readonly name?: unknown
    readonly addresses?: readonly string[]
    readonly ports?: readonly { readonly name?: string; readonly port?: number }[]
  }
  if (Array.isArray(addresses) && path === 'endpoints') return neutral(String(addresses[0]), uids)
  if (path.startsWith('subsets[') && targetRef) return neutral(targetRef.name ?? '', uids)
  if (path === 'subsets')
    return ports
      .map(({ name: port, port: number }) => `${port ?? ''}:${number}`)
      .sort()
      .join(',')
  if (path.endsWith('.taints')) return `${key}:${effect}`
  if (typeof type === 'string') return `type=${type}`
  return typeof name === 'string' && !path.includes('ownerRef') ? `name=${neutral(name, uids)}` : undefined
}
