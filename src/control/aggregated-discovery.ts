import type { Client } from '../client/contract.ts'
import type { APIService } from '../kinds/generated/types/apiregistration-v1.ts'
import type { KindRef } from '../kinds/kind.ts'
import { apiVersionOf } from '../machinery/object.ts'

export type AggregatedKind = { readonly kind: KindRef; readonly verbs: readonly string[] }
export type AggregatedDiscovery = {
  /** In the order of preference: versions of one group that a client chooses first come first. */
  readonly kinds: readonly AggregatedKind[]
  /** Group versions that nobody could say the kinds of. */
  readonly undiscovered: readonly string[]
}

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

const discoveryType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** What the API tells of the kinds that other servers answer: from its own documents, so that none of them is asked. Throws where it does not tell. */
export async function discoverAggregated(client: Client, services: readonly APIService[]): Promise<AggregatedDiscovery> {
  const foreign = new Set(
    services.flatMap(({ spec }) => (spec?.service ? [apiVersionOf({ group: spec.group ?? '', version: spec.version ?? '' })] : [])),
  )
  if (foreign.size === 0) return { kinds: [], undiscovered: [] }
  const { code, body } = await client.raw({ method: 'GET', path: '/apis', headers: { accept: discoveryType } })
  const blocks: Uint8Array[] = []
  for await (const block of body) blocks.push(block)
  if (code !== 200) throw new Error(`GET /apis: ${code}`)
  return kindsOf(JSON.parse(Buffer.concat(blocks).toString()) as Discovered, foreign)
}

function kindsOf({ items = [] }: Discovered, foreign: ReadonlySet<string>): AggregatedDiscovery {
  const kinds: AggregatedKind[] = []
  const known = new Set<string>()
  for (const { metadata, versions = [] } of items)
    for (const { version, freshness, resources = [] } of versions) {
      const group = metadata?.name ?? ''
      if (!foreign.has(apiVersionOf({ group, version })) || freshness === 'Stale') continue
      known.add(apiVersionOf({ group, version }))
      for (const { resource, scope, verbs, responseKind } of resources) {
        const kind = { group, version, kind: responseKind?.kind ?? resource, plural: resource }
        kinds.push({ kind: { ...kind, scope: scope === 'Namespaced' ? 'Namespaced' : 'Cluster' }, verbs })
      }
    }
  return { kinds, undiscovered: [...foreign].filter((one) => !known.has(one)).sort() }
}
