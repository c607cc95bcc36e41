import type { KindDefinition } from '../../kinds/kind.ts'
import type { ApiResponse } from '../contract.ts'
import type { Group } from './group-versions.ts'
import { type ForeignVersion, publishedGroups } from './published-groups.ts'
import { headerText, type JsonDocument, jsonDocument, lineDocument, type RequestHeaders } from './json-document.ts'
import { aggregatedDiscovery, apiGroup, apiResourceList } from './resource-lists.ts'

/** Answers what clients ask to learn which resources there are. Undefined: the path is not discovery's. */
export type Discovery = { respond(path: string, headers: RequestHeaders): ApiResponse | undefined }

/**
 * Discovery of a fixed set of kinds: `/version`, `/api`, `/apis` (plain and aggregated), `/api/v1`, `/apis/GROUP` and
 * `/apis/GROUP/VERSION`. Documents are built when first asked for. When custom kinds come or go, make a new one: it costs
 * nothing until it is asked.
 */
export function createDiscovery({
  kinds,
  foreign = [],
  version,
  serverAddress = '',
}: {
  readonly kinds: readonly KindDefinition[]
  /** Group versions that other servers answer. */
  readonly foreign?: readonly ForeignVersion[]
  /** The answer to `GET /version` (type Info of the API); without it the path is left to others. */
  readonly version?: Readonly<Record<string, string>>
  /** `HOST:PORT` that `/api` names to clients; most clients ignore it. */
  readonly serverAddress?: string
}): Discovery {
  const groups = lazy(() => publishedGroups(kinds, foreign))
  const core = () => groups().filter((g) => g.name === '')
  const named = () => groups().filter((g) => g.name !== '')
  const plain = lazy(() => plainDocuments(core(), named(), serverAddress))
  const versionDocument = version && jsonDocument(() => version)
  const aggregated = { '/api': aggregatedDocuments(core), '/apis': aggregatedDocuments(named) } as const
  return {
    respond(path, headers) {
      const bare = trimPath(path)
      if (bare === '/version') return versionDocument?.respond(headers)
      if (bare !== '/api' && bare !== '/apis' && !bare.startsWith('/api/') && !bare.startsWith('/apis/')) return undefined
      if (bare === '/api' || bare === '/apis') {
        const wanted = aggregatedVersion(headerText(headers, 'accept'))
        if (wanted) return aggregated[bare][wanted].respond(headers)
      }
      return plain().get(bare)?.respond(headers)
    },
  }
}

function plainDocuments(core: readonly Group[], named: readonly Group[], serverAddress: string): ReadonlyMap<string, JsonDocument> {
  const documents = new Map<string, JsonDocument>()
  const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress }]
  const versions = core.flatMap((g) => g.versions.map((v) => v.version))
  documents.set(
    '/api',
    lineDocument(() => ({ kind: 'APIVersions', versions, serverAddressByClientCIDRs })),
  )
  documents.set(
    '/apis',
    lineDocument(() => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(apiGroup) })),
  )
  for (const group of [...core, ...named]) {
    const root = group.name === '' ? '/api' : `/apis/${group.name}`
    if (group.name !== '')
      documents.set(
        root,
        lineDocument(() => ({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) })),
      )
    // What another server answers is asked of that server.
    for (const v of group.versions.filter(({ foreign }) => !foreign))
      documents.set(
        `${root}/${v.version}`,
        lineDocument(() => apiResourceList(v)),
      )
  }
  return documents
}

const aggregatedType = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

function aggregatedDocuments(groups: () => readonly Group[]): Readonly<Record<'v2' | 'v2beta1', JsonDocument>> {
  const document = (version: 'v2' | 'v2beta1') => lineDocument(() => aggregatedDiscovery(groups(), version), aggregatedType(version))
  return { v2: document('v2'), v2beta1: document('v2beta1') }
}

/** The first type of an Accept header decides, among those that can be answered; undefined: the plain form. */
export function aggregatedVersion(accept: string): 'v2' | 'v2beta1' | undefined {
  for (const entry of accept.split(',')) {
    const [type, ...parameters] = entry.split(';').map((part) => part.trim())
    const isJson = type === 'application/json' || type === '*/*' || type === 'application/*'
    if (!isJson) continue
    const values = new Map(parameters.map((p) => p.split('=') as [string, string]))
    if (!values.has('as')) return undefined
    const version = values.get('v')
    const isKnown = values.get('as') === 'APIGroupDiscoveryList' && values.get('g') === 'apidiscovery.k8s.io'
    if (isKnown && (version === 'v2' || version === 'v2beta1')) return version
  }
  return undefined
}

/** Without query and trailing slash. */
export function trimPath(path: string): string {
  const query = path.indexOf('?')
  const bare = query < 0 ? path : path.slice(0, query)
  return bare.length > 1 && bare.endsWith('/') ? bare.slice(0, -1) : bare
}

/** Builds when first asked, and keeps what it built. */
export function lazy<T>(build: () => T): () => T {
  let built: { readonly value: T } | undefined
  return () => (built ??= { value: build() }).value
}
