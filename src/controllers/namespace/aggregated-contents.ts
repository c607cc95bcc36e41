import type { Client } from '../../client/contract.ts'
import type { APIService } from '../../kinds/generated/types/apiregistration-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import type { Remaining } from './plan.ts'

/** What a namespace holds in groups that other API servers answer. */
export type AggregatedContents = {
  readonly remaining: readonly Remaining[]
  /** Kinds that could not be deleted or listed. */
  readonly failures: readonly string[]
  /** Group versions that nobody could say the kinds of. */
  readonly undiscovered: readonly string[]
}

const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

type Discovered = {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions?: readonly {
      readonly version: string
      readonly freshness?: string
      readonly resources?: readonly { resource: string; scope: string; verbs: readonly string[]; responseKind?: { kind: string } }[]
    }[]
  }[]
}

/** Deletes what aggregated servers hold of a namespace, and tells what is left. Their kinds have no informers: each call asks them. */
export async function deleteAggregatedContents(
  client: Client,
  services: readonly APIService[],
  namespace: string,
): Promise<AggregatedContents> {
  const foreign = new Set(
    services.flatMap(({ spec }) => (spec?.service ? [apiVersionOf({ group: spec.group ?? '', version: spec.version ?? '' })] : [])),
  )
  if (foreign.size === 0) return { remaining: [], failures: [], undiscovered: [] }
  const { kinds, undiscovered } = foreignKinds((await read(client, 'GET', '/apis', discovery)) as Discovered, foreign)
  const remaining: Remaining[] = []
  const failures: string[] = []
  for (const { kind, verbs } of kinds) {
    const path = `/apis/${kind.group}/${kind.version}/namespaces/${namespace}/${kind.plural}`
    try {
      const before = await objectsAt(client, path)
      if (before.length === 0) continue
      if (verbs.includes('deletecollection')) await read(client, 'DELETE', path)
      else for (const { metadata } of before) await read(client, 'DELETE', `${path}/${metadata.name}`)
      const after = await objectsAt(client, path)
      if (after.length > 0) remaining.push({ kind, objects: after })
    } catch {
      failures.push(`${kind.plural}.${kind.group}`)
    }
  }
  return { remaining, failures, undiscovered }
}

function foreignKinds({ items = [] }: Discovered, foreign: ReadonlySet<string>) {
  const kinds: { readonly kind: KindRef; readonly verbs: readonly string[] }[] = []
  const known = new Set<string>()
  for (const { metadata, versions = [] } of items)
    for (const { version, freshness, resources = [] } of versions) {
      const group = metadata?.name ?? ''
      if (!foreign.has(apiVersionOf({ group, version })) || freshness === 'Stale') continue
      known.add(apiVersionOf({ group, version }))
      for (const { resource, scope, verbs, responseKind } of resources)
        if (scope === 'Namespaced' && verbs.includes('list') && verbs.includes('delete'))
          kinds.push({ kind: { group, version, kind: responseKind?.kind ?? resource, plural: resource, scope: 'Namespaced' }, verbs })
    }
  return { kinds, undiscovered: [...foreign].filter((one) => !known.has(one)).sort() }
}

async function objectsAt(client: Client, path: string): Promise<readonly KubeObject[]> {
  const { items = [] } = (await read(client, 'GET', path)) as { items?: readonly KubeObject[] }
  return items
}

/** Throws where the answer is no success; a delete of what is gone is one. */
async function read(client: Client, method: string, path: string, accept = 'application/json'): Promise<unknown> {
  const { code, body } = await client.raw({ method, path, headers: { accept } })
  const blocks: Uint8Array[] = []
  for await (const block of body) blocks.push(block)
  if (code === 404 && method === 'DELETE') return {}
  if (code < 200 || code > 299) throw new Error(`${method} ${path}: ${code}`)
  return JSON.parse(Buffer.concat(blocks).toString())
}
