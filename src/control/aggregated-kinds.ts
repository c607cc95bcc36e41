import { backoffMs } from '../base/backoff.ts'
import type { Cancel } from '../base/clock.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { allKinds } from '../kinds/all.ts'
import type { APIService } from '../kinds/generated/types/apiregistration-v1.ts'
import { type KindRef, kindKey } from '../kinds/kind.ts'
import { apiVersionOf } from '../machinery/object.ts'
import { type AggregatedKind, discoverAggregated } from './aggregated-discovery.ts'
import type { InformerFactory } from './informer-factory.ts'

const { apiServices } = kindRefs.apiregistrationV1

/** A server tells nobody of a kind that it begins to serve. Only where there are such servers. */
const againMs = 30_000
/** One that counts as available and of which the API does not tell yet. */
const soon = { initialMs: 500, maxMs: againMs, factor: 2, jitter: 0.1 } as const

/** Told of each kind under a name of its own; of one that is gone with `undefined`. */
type Tell = (name: string, kind: KindRef | undefined) => void

/**
 * The kinds that other API servers answer and that can be followed and deleted, until the signal aborts. A server that cannot be asked
 * keeps those that it had: only the going of its APIService says that they are gone.
 */
export function aggregatedKinds(informers: InformerFactory, tell: Tell, signal: AbortSignal): void {
  const { client, clock, random, log } = informers.options
  informers.want(apiServices, 'whole')
  const informer = informers.informer(apiServices)
  let told = new Map<string, KindRef>()
  let cancel: Cancel | undefined
  let failures = 0
  let isLooking = false
  let isStale = false
  const schedule = (delayMs: number) => {
    cancel?.()
    if (!signal.aborted) cancel = clock.schedule(delayMs, () => void look())
  }
  const lookOnce = async () => {
    const services = informer.list().filter(({ spec }) => spec?.service)
    const { kinds, undiscovered } = await discoverAggregated(client, services)
    const current = planFollowed(kinds, { known: told, undiscovered })
    for (const name of told.keys()) if (!current.has(name)) tell(name, undefined)
    told = current
    for (const [name, kind] of current) tell(name, kind)
    const isMissing = services.some((service) => isAvailable(service) && undiscovered.includes(versionOf(service)))
    failures = isMissing ? failures + 1 : 0
    if (services.length > 0) schedule(isMissing ? backoffMs(soon, failures - 1, random) : againMs)
  }
  const look = async () => {
    isLooking = true
    isStale = false
    try {
      await lookOnce()
    } catch (error) {
      if (!signal.aborted) log.warn({ error: String(error) }, 'the kinds of other API servers could not be asked for')
      schedule(backoffMs(soon, failures++, random))
    }
    isLooking = false
    // Something changed meanwhile.
    if (isStale) schedule(0)
  }
  const remove = informer.onChange(({ current, old }) => {
    if (!current?.spec?.service && !old?.spec?.service) return
    if (isLooking) isStale = true
    else schedule(0)
  })
  const end = () => {
    remove()
    cancel?.()
  }
  signal.addEventListener('abort', end, { once: true })
}

const versionOf = ({ spec }: APIService) => apiVersionOf({ group: spec?.group ?? '', version: spec?.version ?? '' })
const isAvailable = ({ status }: APIService) => status?.conditions?.some((c) => c.type === 'Available' && c.status === 'True') ?? false

const builtIn: ReadonlySet<string> = new Set(allKinds.map(kindKey))
const needed = ['delete', 'list', 'watch']

/** Each resource once, in the version of its group that clients prefer and that has it: pure. */
export function planFollowed(
  kinds: readonly AggregatedKind[],
  { known, undiscovered }: { readonly known: ReadonlyMap<string, KindRef>; readonly undiscovered: readonly string[] },
): Map<string, KindRef> {
  const followed = new Map([...known].filter(([, kind]) => undiscovered.includes(apiVersionOf(kind))))
  for (const { kind, verbs } of kinds) {
    const name = `${kind.plural}.${kind.group}`
    if (!followed.has(name) && !builtIn.has(kindKey(kind)) && needed.every((verb) => verbs.includes(verb))) followed.set(name, kind)
  }
  return followed
}
