/**
 * Extended resources that drivers provide: a container that asks for `example.com/gpu: 2` gets two devices of the class that says
 * `extendedResourceName: example.com/gpu`, on nodes where no device plugin offers the resource. The scheduler writes the claim.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#extended-resource
 */
import type { Container, ContainerExtendedResourceRequest, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { parseQuantity } from '../../machinery/quantity.ts'

/** Of the claim while it is in memory only; no name of an object in the API. */
const nameInMemory = '<extended-resources>'
const annotation = 'resource.kubernetes.io/extended-resource-claim'
/** Every class can be asked for by this prefix and its name. */
const classPrefix = 'deviceclass.resource.kubernetes.io/'

/** Resource → the class whose devices serve it; of several that claim one name the newest, then the first by name. */
export function classesByResource(classes: readonly DeviceClass[]): ReadonlyMap<string, DeviceClass> {
  const byResource = new Map<string, DeviceClass>()
  for (const deviceClass of classes) {
    byResource.set(`${classPrefix}${deviceClass.metadata.name}`, deviceClass)
    const { extendedResourceName } = deviceClass.spec
    const other = extendedResourceName === undefined ? undefined : byResource.get(extendedResourceName)
    if (extendedResourceName !== undefined && (!other || isPreferred(deviceClass, other))) byResource.set(extendedResourceName, deviceClass)
  }
  return byResource
}

function isPreferred({ metadata: a }: DeviceClass, { metadata: b }: DeviceClass): boolean {
  const [madeA, madeB] = [a.creationTimestamp ?? '', b.creationTimestamp ?? '']
  return madeA === madeB ? (a.name ?? '') < (b.name ?? '') : madeA > madeB
}

/** The claim for what a pod asks for by resource names, before it is known what of that a node's drivers have to provide. */
export function extendedClaimOf({ metadata }: Pod): ResourceClaim {
  const { name = '', namespace = '', uid = '' } = metadata
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      name: nameInMemory,
      generateName: `${name}-extended-resources-`,
      namespace,
      uid: `extended ${uid}`,
      annotations: { [annotation]: 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
    },
    spec: {},
  }
}

export const isInMemory = ({ metadata }: ResourceClaim) => metadata.name === nameInMemory

/** The uid of the pod that the claim was made for, where it is one of these. */
export function ownerOfExtended({ metadata }: ResourceClaim): string | undefined {
  if (metadata.annotations?.[annotation] !== 'true') return undefined
  return metadata.ownerReferences?.find((o) => o.controller)?.uid
}

export type ExtendedRequests = {
  readonly requests: readonly DeviceRequest[]
  readonly mappings: readonly ContainerExtendedResourceRequest[]
}

/** What containers ask of the classes' devices, for some resources. An init container that ends shares with those that come after it. */
export function extendedRequests(
  { spec }: Pod,
  resources: readonly string[],
  classOf: (resource: string) => DeviceClass | undefined,
): ExtendedRequests {
  const initCount = spec?.initContainers?.length ?? 0
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const endsEarly = (i: number) => i < initCount && containers[i]!.restartPolicy !== 'Always'
  const indexes = [...containers.keys()]
  const requests: DeviceRequest[] = []
  const mappings: ContainerExtendedResourceRequest[] = []
  for (const resource of resources.toSorted()) {
    const className = classOf(resource)?.metadata.name
    if (className === undefined) continue
    const lasting = new Map<number, DeviceRequest>()
    const ask = (i: number, reusable: readonly DeviceRequest[]) =>
      requestOf({ index: i, container: containers[i]!, resource, className, reusable })
    for (const i of indexes.filter((index) => !endsEarly(index))) {
      const asked = ask(i, [])
      if (asked.request) lasting.set(i, asked.request)
      mappings.push(...asked.mappings)
    }
    const early = indexes.filter(endsEarly).map((i) =>
      ask(
        i,
        [...lasting].filter(([at]) => at >= i).map(([, request]) => request),
      ),
    )
    const own = early.flatMap((e) => e.request ?? [])
    // They run one after another: the largest of their requests serves all of them.
    const largest = own.reduce<DeviceRequest | undefined>((a, b) => (a && countOf(a) >= countOf(b) ? a : b), undefined)
    const replaced = new Set(own.map((r) => r.name))
    const renamed = early
      .flatMap((e) => e.mappings)
      .map((m) => (largest && replaced.has(m.requestName) ? { ...m, requestName: largest.name } : m))
    mappings.push(...renamed)
    requests.push(...(largest ? [largest] : []), ...lasting.values())
  }
  return { requests: requests.toSorted((a, b) => (a.name < b.name ? -1 : 1)), mappings }
}

const countOf = ({ exactly }: DeviceRequest) => exactly?.count ?? 0

function requestOf(input: {
  readonly index: number
  readonly container: Container
  readonly resource: string
  readonly className: string
  readonly reusable: readonly DeviceRequest[]
}): { readonly request?: DeviceRequest; readonly mappings: readonly ContainerExtendedResourceRequest[] } {
  const { index, container, resource, className, reusable } = input
  const asked = container.resources?.requests ?? {}
  const wanted = Number(parseQuantity(asked[resource] ?? 0).nano / 1_000_000_000n)
  if (wanted === 0) return { mappings: [] }
  const mapping = (requestName: string) => ({ containerName: container.name, resourceName: resource, requestName })
  const mappings: ContainerExtendedResourceRequest[] = []
  let have = 0
  for (const request of reusable) {
    have += countOf(request)
    mappings.push(mapping(request.name))
    if (have >= wanted) return { mappings }
  }
  const name = `container-${index}-request-${Object.keys(asked).toSorted().indexOf(resource)}`
  const exactly = { deviceClassName: className, allocationMode: 'ExactCount', count: wanted - have } as const
  return { request: { name, exactly }, mappings: [...mappings, mapping(name)] }
}
