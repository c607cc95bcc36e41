import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { KindRef } from '../kinds/kind.ts'
import { type KubeObject, parseApiVersion } from '../machinery/object.ts'
import { type Status, StatusError } from '../machinery/status-error.ts'

/** `autoscaling/v1` Scale: the replicas of any workload in one shape. */
export type Scale = KubeObject & {
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly replicas?: number; readonly selector?: string }
}

type TargetReference = { readonly apiVersion?: string; readonly kind: string }
type ResourceList = { readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[] }

const answerBytesMax = 4 << 20
/** What nearly every reference is about; anything else is looked up. */
const known: readonly KindRef[] = [
  kindRefs.appsV1.deployments,
  kindRefs.appsV1.replicaSets,
  kindRefs.appsV1.statefulSets,
  kindRefs.coreV1.replicationControllers,
]

/** The kind that a reference means, by what the API says it serves. Undefined: it serves no such kind. Throws StatusError. */
export async function findKind(client: Client, { apiVersion = '', kind }: TargetReference): Promise<KindRef | undefined> {
  const { group, version } = parseApiVersion(apiVersion)
  const builtIn = known.find((one) => one.group === group && one.version === version && one.kind === kind)
  if (builtIn) return builtIn
  const list = await readJson<ResourceList>(client, group === '' ? `/api/${version || 'v1'}` : `/apis/${group}/${version}`)
  const found = list?.resources?.find((resource) => resource.kind === kind && !resource.name.includes('/'))
  return found && { group, version, kind, plural: found.name, scope: found.namespaced ? 'Namespaced' : 'Cluster' }
}

/** Whether objects of the kind have a `/scale`. Throws StatusError. */
export async function isScaled(client: Client, { group, version, plural }: KindRef): Promise<boolean> {
  const list = await readJson<ResourceList>(client, group === '' ? `/api/${version}` : `/apis/${group}/${version}`)
  return list?.resources?.some(({ name }) => name === `${plural}/scale`) ?? false
}

/** Reads `/scale`. Throws StatusError, 404 for kinds without it. */
export function readScale(client: Client, kind: KindRef, namespace: string, name: string): Promise<Scale> {
  return client.resource(kind, namespace).subresource<undefined, Scale>(name, 'scale', undefined, { method: 'GET' })
}

/** Throws StatusError: 409 when the object changed since its scale was read. */
export function writeScale(client: Client, target: { kind: KindRef; namespace: string; name: string }, scale: Scale): Promise<Scale> {
  const { kind, namespace, name } = target
  return client.resource(kind, namespace).subresource<Scale, Scale>(name, 'scale', scale, { method: 'PUT' })
}

/** GET of a JSON document; undefined for 404. Throws StatusError for any other failure. */
export async function readJson<T>(client: Client, path: string, query: Readonly<Record<string, string>> = {}): Promise<T | undefined> {
  const { code, body } = await client.raw({ method: 'GET', path, query, headers: { accept: 'application/json' } })
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    if ((size += chunk.length) > answerBytesMax) throw new Error(`the answer of ${path} is too large`)
  }
  const text = Buffer.concat(chunks).toString()
  if (code === 404) return undefined
  if (code !== 200) throw failureOf(text, code)
  return JSON.parse(text) as T
}

function failureOf(text: string, code: number): StatusError {
  const plain = text.trim().slice(0, 512) || `the server answered ${code}`
  const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: plain, code }
  try {
    const status = JSON.parse(text) as Status
    if (status.kind === 'Status') return new StatusError({ ...failure, ...status })
  } catch {
    // A proxy in between answers in its own words.
  }
  return new StatusError(failure)
}
