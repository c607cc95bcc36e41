import { limitRanges } from '../../kinds/core/limit-range.ts'
import type { LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { addQuantity, compareQuantity, formatQuantity, parseQuantity, quantityMilli } from '../../machinery/quantity.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import { refusal } from './refusal.ts'

type Quantities = Record<string, string | number>
type Resources = { requests?: Quantities | undefined; limits?: Quantities | undefined }

const annotation = 'kubernetes.io/limit-ranger'

/** Fills requests and limits from the namespace's LimitRanges and refuses what lies outside of them (https://kubernetes.io/docs/concepts/policy/limit-range/). */
export function limitRanger(reader: ObjectReader): AdmissionPlugin {
  const rangesOf = (request: AdmissionRequest) => reader.list(limitRanges, request.namespace ?? '')
  return {
    name: 'LimitRanger',
    treatsAlike: () => true,
    // A pod's containers change by `resize` only.
    handles: (operation, { group, kind }, subresource) => {
      if (group !== '' || (operation !== 'CREATE' && operation !== 'UPDATE')) return false
      if (kind === 'PersistentVolumeClaim') return subresource === ''
      return kind === 'Pod' && (operation === 'CREATE' ? subresource === '' : subresource === 'resize')
    },
    admit: (request) => {
      if (request.kind.kind !== 'Pod' || request.old?.metadata.deletionTimestamp !== undefined) return
      for (const { spec } of rangesOf(request)) fillDefaults(request.object as Pod, spec?.limits ?? [])
    },
    // The first range that refuses is the one that is told of.
    validate: (request) => {
      const { kind, object, old } = request
      if (old?.metadata.deletionTimestamp !== undefined) return
      for (const { spec } of rangesOf(request)) {
        const items = spec?.limits ?? []
        const refusals = kind.kind === 'Pod' ? judgePod(object as Pod, items) : judgeClaim(object as PersistentVolumeClaim, items)
        const [first, ...more] = new Set(refusals)
        if (first !== undefined) throw refusal(request, more.length === 0 ? first : `[${[first, ...more].join(', ')}]`)
      }
    },
  }
}

function fillDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const defaults = items.filter(({ type }) => type === 'Container')
  if (defaults.length === 0 || !pod.spec) return
  const set: string[] = []
  const fill = (container: { name: string; resources?: Resources }, isInit: boolean) => {
    const resources = (container.resources ??= {})
    const requests = defaults.flatMap((item) => merge(resources, 'requests', item.defaultRequest))
    const limits = defaults.flatMap((item) => merge(resources, 'limits', item.default))
    const whose = `for ${isInit ? 'init container' : 'container'} ${container.name}`
    if (requests.length > 0) set.push(`${requests.sort().join(', ')} request ${whose}`)
    if (limits.length > 0) set.push(`${limits.sort().join(', ')} limit ${whose}`)
  }
  // Validation comes after admission: what is required may still be missing.
  for (const container of (pod.spec.containers as PodSpec['containers'] | undefined) ?? []) fill(container, false)
  for (const container of pod.spec.initContainers ?? []) fill(container, true)
  if (set.length > 0 && pod.metadata) {
    pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${set.join('; ')}` }
  }
}

/** Names of what was missing and has been filled in. */
function merge(resources: Resources, field: 'requests' | 'limits', defaults: Quantities | undefined): string[] {
  const missing = Object.entries(defaults ?? {}).filter(([name]) => resources[field]?.[name] === undefined)
  if (missing.length > 0) resources[field] = { ...resources[field], ...Object.fromEntries(missing) }
  return missing.map(([name]) => name).sort()
}

function judgePod({ spec }: Pod, items: readonly LimitRangeItem[]): string[] {
  const containers = spec?.containers ?? []
  const inits = spec?.initContainers ?? []
  return items.flatMap((item) => {
    if (item.type === 'Container') return [...containers, ...inits].flatMap(({ resources = {} }) => judge(item, resources))
    if (item.type === 'Pod') return judge(item, podResources(containers, inits, spec?.resources))
    return []
  })
}

function judgeClaim({ spec }: PersistentVolumeClaim, items: readonly LimitRangeItem[]): string[] {
  const requests: Quantities = spec?.resources?.requests ?? {}
  return items.filter(({ type }) => type === 'PersistentVolumeClaim').flatMap((item) => judgeRequests(item, requests))
}

/** What has requests alone is held between both bounds by them. */
function judgeRequests({ type, min = {}, max = {} }: LimitRangeItem, requests: Quantities): string[] {
  const judgeBound = (word: string, bounds: Quantities, isBeyond: (order: number) => boolean) =>
    Object.entries(bounds).flatMap(([name, bound]) => {
      const what = `${word} ${name} usage per ${type} is ${formatQuantity(parseQuantity(bound))}`
      const request = requests[name]
      if (request === undefined) return [`${what}.  No request is specified`]
      return isBeyond(compareQuantity(request, bound)) ? [`${what}, but request is ${formatQuantity(parseQuantity(request))}`] : []
    })
  return [...judgeBound('minimum', min, (order) => order < 0), ...judgeBound('maximum', max, (order) => order > 0)]
}

type Container = { readonly resources?: Resources; readonly restartPolicy?: string }

/**
 * The sum of the containers with those that run beside them, or what an init container needs with those started before it where that is
 * more; what the pod itself states goes before both.
 */
function podResources(containers: readonly Container[], inits: readonly Container[], own: Resources = {}): Resources {
  const total = (field: 'requests' | 'limits'): Quantities => {
    let beside: Quantities = {}
    let most: Quantities = {}
    for (const { resources, restartPolicy } of inits) {
      const needed = summed(beside, resources?.[field])
      if (restartPolicy === 'Always') beside = needed
      most = larger(most, needed)
    }
    let sum = beside
    for (const { resources } of containers) sum = summed(sum, resources?.[field])
    const all = larger(sum, most)
    for (const name of ['cpu', 'memory']) if (own[field]?.[name] !== undefined) all[name] = own[field][name]
    return all
  }
  return { requests: total('requests'), limits: total('limits') }
}

function summed(a: Quantities, b: Quantities = {}): Quantities {
  const sum = { ...a }
  for (const name in b) sum[name] = sum[name] === undefined ? b[name]! : addQuantity(sum[name], b[name]!)
  return sum
}

function larger(a: Quantities, b: Quantities): Quantities {
  const result = { ...a }
  for (const name in b) if (result[name] === undefined || compareQuantity(b[name]!, result[name]) > 0) result[name] = b[name]!
  return result
}

function judge(item: LimitRangeItem, { requests = {}, limits = {} }: Resources): string[] {
  const refusals: string[] = []
  const { type } = item
  const text = (quantity: string | number) => formatQuantity(parseQuantity(quantity))
  for (const [name, min] of Object.entries(item.min ?? {})) {
    const what = `minimum ${name} usage per ${type} is ${text(min)}`
    const [request, limit] = [requests[name], limits[name]]
    if (request === undefined) refusals.push(`${what}.  No request is specified`)
    else if (compareQuantity(request, min) < 0) refusals.push(`${what}, but request is ${text(request)}`)
    else if (limit !== undefined && compareQuantity(limit, min) < 0) refusals.push(`${what}, but limit is ${text(limit)}`)
  }
  for (const [name, max] of Object.entries(item.max ?? {})) {
    const what = `maximum ${name} usage per ${type} is ${text(max)}`
    const [request, limit] = [requests[name], limits[name]]
    if (limit === undefined) refusals.push(`${what}.  No limit is specified`)
    else if (compareQuantity(limit, max) > 0) refusals.push(`${what}, but limit is ${text(limit)}`)
    else if (request !== undefined && compareQuantity(request, max) > 0) refusals.push(`${what}, but request is ${text(request)}`)
  }
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {}))
    refusals.push(...judgeRatio({ type, name, ratio, request: requests[name], limit: limits[name] }))
  return refusals
}

type Ratio = {
  type: string
  name: string
  ratio: string | number
  request: string | number | undefined
  limit: string | number | undefined
}

function judgeRatio({ type, name, ratio, request, limit }: Ratio): string[] {
  const what = `${name} max limit to request ratio per ${type} is ${formatQuantity(parseQuantity(ratio))}`
  if (request === undefined || quantityMilli(request) === 0) return [`${what}, but no request is specified or request is 0`]
  if (limit === undefined || quantityMilli(limit) === 0) return [`${what}, but no limit is specified or limit is 0`]
  const given = quantityMilli(limit) / quantityMilli(request)
  return given > quantityMilli(ratio) / 1000 ? [`${what}, but provided ratio is ${given.toFixed(6)}`] : []
}
