import type { Informer } from '../../client/informer-contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim, ResourceClaimSpec, ResourceClaimTemplate } from '../../kinds/generated/types/resource-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import type { ClaimLedger } from '../devices/claim-ledger.ts'
import type { DeviceBinder } from '../devices/device-binder.ts'
import { fixedInformer } from './cluster-view.ts'

type Change = { readonly current: ResourceClaim | undefined; readonly old: ResourceClaim | undefined }

/** Claims of devices while a plan is played through: pods that go give theirs back, pods that come get new ones from their templates. */
export class PlannedClaims {
  readonly informer: Informer<ResourceClaim>
  readonly #claims: Map<string, ResourceClaim>
  readonly #templates: ReadonlyMap<string, ResourceClaimTemplate>
  readonly #handlers: ((change: Change) => void)[] = []

  constructor(claims: readonly ResourceClaim[], templates: readonly ResourceClaimTemplate[]) {
    this.#claims = new Map(claims.map((claim) => [keyOf(claim), claim]))
    this.#templates = new Map(templates.map((template) => [keyOf(template), template]))
    this.informer = {
      ...fixedInformer(claims),
      get: (key) => this.#claims.get(key),
      list: () => [...this.#claims.values()],
      onChange: (handler) => {
        this.#handlers.push(handler)
        for (const current of this.#claims.values()) handler({ current, old: undefined })
        return () => {}
      },
    }
  }

  /** The pod is gone: what was made for it goes too, and what nobody else uses is free. */
  release(pod: Pod): void {
    for (const { key, isOwn } of this.#claimsOf(pod)) {
      const claim = this.#claims.get(key)
      if (!claim) continue
      const before = claim.status?.reservedFor ?? []
      const reservedFor = before.filter((r) => r.uid !== pod.metadata.uid)
      if (isOwn) this.#set(key, undefined)
      else if (reservedFor.length === before.length) continue
      else this.#set(key, reservedFor.length > 0 ? { ...claim, status: { ...claim.status, reservedFor } } : { ...claim, status: {} })
    }
  }

  /** The pod as its controller makes it anew, with claims from its templates or like those that it had and gives back. */
  renewed(pod: Pod): Pod {
    const { namespace, name } = pod.metadata
    const uid = pod.metadata.uid ?? `planned-${namespace}-${name}`
    const had = new Map(this.#claimsOf(pod).map((c) => [c.entry, this.#claims.get(c.key)?.spec]))
    this.release(pod)
    const statuses = (pod.spec?.resourceClaims ?? []).flatMap(({ name: entry, resourceClaimTemplateName: template }) => {
      const spec = had.get(entry) ?? this.#templates.get(`${namespace}/${template}`)?.spec.spec
      if (template === undefined || !spec) return []
      const resourceClaimName = `${name}-${entry}-planned`
      this.#set(`${namespace}/${resourceClaimName}`, claimFor({ name: resourceClaimName, pod, uid, spec }))
      return [{ name: entry, resourceClaimName }]
    })
    return statuses.length === 0
      ? pod
      : { ...pod, metadata: { ...pod.metadata, uid }, status: { ...pod.status, resourceClaimStatuses: statuses } }
  }

  /** Decisions of a plan stand at once. */
  binder(ledger: ClaimLedger): DeviceBinder {
    return {
      deallocate: async () => {},
      delete: async () => {},
      reserve: (pod, decided) => {
        const before: (readonly [string, ResourceClaim | undefined])[] = []
        for (const { claim: wanted, mappings, allocation = wanted.status?.allocation } of decided) {
          const claim = mappings ? { ...wanted, metadata: { ...wanted.metadata, name: extendedName(pod) } } : wanted
          const reference = { resource: 'pods', name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' }
          const reservedFor = [...(claim.status?.reservedFor ?? []), reference]
          ledger.release(claim)
          before.push([keyOf(claim), this.#claims.get(keyOf(claim))])
          this.#set(keyOf(claim), { ...claim, status: { ...claim.status, reservedFor, ...(allocation ? { allocation } : {}) } })
        }
        return {
          plugin: 'DynamicResources',
          prepare: async () => {},
          release: () => before.toReversed().forEach(([key, claim]) => this.#set(key, claim)),
        }
      },
    }
  }

  #claimsOf(pod: Pod): readonly { readonly entry: string; readonly key: string; readonly isOwn: boolean }[] {
    const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName ?? extendedName(pod)
    const named = (pod.spec?.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
      const made = pod.status?.resourceClaimStatuses?.find((s) => s.name === name)?.resourceClaimName
      const of = resourceClaimName ?? made
      return of === undefined ? [] : [{ entry: name, key: `${pod.metadata.namespace}/${of}`, isOwn: resourceClaimName === undefined }]
    })
    return [...named, { entry: '', key: `${pod.metadata.namespace}/${extended}`, isOwn: true }]
  }

  #set(key: string, current: ResourceClaim | undefined): void {
    const old = this.#claims.get(key)
    if (current) this.#claims.set(key, current)
    else this.#claims.delete(key)
    for (const handler of this.#handlers) handler({ current, old })
  }
}

const extendedName = ({ metadata }: Pod) => `${metadata.name}-extended-resources-planned`

function claimFor(input: {
  readonly name: string
  readonly pod: Pod
  readonly uid: string
  readonly spec: ResourceClaimSpec
}): ResourceClaim {
  const { name, pod, uid, spec } = input
  const owner = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name ?? '', uid, controller: true }
  const metadata = {
    name,
    namespace: pod.metadata.namespace ?? '',
    uid: `planned-${pod.metadata.namespace}-${name}`,
    ownerReferences: [owner],
  }
  return { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata, spec }
}
