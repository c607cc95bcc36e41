/** What controllers have made of a namespace, as lines that two clusters can be compared by: nothing in them is by chance or by the clock. */
import type { Client } from '../../../src/client/contract.ts'
import { allKinds } from '../../../src/kinds/all.ts'
import type { Event } from '../../../src/kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../../src/machinery/object.ts'

const letters = 'bcdfghjklmnpqrstvwxz2456789'
const words: readonly (readonly [RegExp, string])[] = [
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME'],
  [/\b(?:10|127|192)\.\d+\.\d+\.\d+\b/g, 'IP'],
  [/\bnode-\d+\b/g, 'NODE'],
  [/-\d{8}(?!\d)/g, '-MINUTES'],
  [new RegExp(`-[${letters}]{6,10}(?![a-z0-9])`, 'g'), '-HASH'],
  [new RegExp(`-[${letters}]{5}(?![a-z0-9])`, 'g'), '-xxxxx'],
  [new RegExp(`^[${letters}]{6,10}$`, 'g'), 'HASH'],
]
const uid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g

type Uids = ReadonlyMap<string, string>

function neutral(text: string, uids: Uids): string {
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
/** Of pods only what their controllers make; how often slices are written depends on when pods are ready. */
const leftOf: Readonly<Record<string, RegExp>> = {
  Pod: /^(?:spec|status)|^metadata\.(?:deletion|generation)/,
  EndpointSlice: /^metadata\.generation|trigger-time/,
}
const untold = new Set(['kubelet', 'default-scheduler'])

export async function endStateLines(client: Client, namespace: string): Promise<string[]> {
  const found: { readonly kind: string; readonly object: KubeObject }[] = []
  for (const kind of allKinds) {
    const isOwn = kind.persisted && !kind.storedAs && kind.scope === 'Namespaced' && kind.verbs.includes('list')
    if (!isOwn || kind.group === 'events.k8s.io' || kind.group === 'keelson.dev') continue
    for (const object of (await client.resource(kind, namespace).list()).items) found.push({ kind: kind.kind, object })
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

/** `paths`: each `path = value`. One line says that the object is there. */
export function linesOf(kind: string, name: string, paths: readonly string[]): string[] {
  const isLeft = (line: string) => left.some((pattern) => pattern.test(line)) || (leftOf[kind]?.test(line) ?? false)
  return [`${kind}/${name}`, ...paths.filter((line) => !isLeft(line)).map((line) => `${kind}/${name} ${line}`)]
}

function eventLines({ involvedObject: about, source, ...event }: Event, uids: Uids): string[] {
  const by = source?.component ?? ''
  if (untold.has(by)) return []
  const count = (event.count ?? 1) > 1 ? ' x2+' : ''
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
  const { type, name } = item as { readonly type?: unknown; readonly name?: unknown }
  if (typeof type === 'string') return `type=${type}`
  return typeof name === 'string' && !path.includes('ownerRef') ? `name=${neutral(name, uids)}` : undefined
}
