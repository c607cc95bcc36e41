import { fieldErrors } from '../../machinery/field-error.ts'
import { jsonFault } from '../../machinery/json-fault.ts'
import { labelValue } from '../../machinery/names.ts'
import { checkLegacyRange, familyOf } from '../addresses.ts'
import { checkQualifiedName, type Errors } from '../checks.ts'
import type { Node, NodeSpec, NodeStatus, Taint } from '../generated/types/core-v1.ts'
import { internalForm } from '../internal-form.ts'
import { validateTaintEffect } from './pod-template/validate-placement.ts'
import { validateResourceValue } from './pod-template/validate-resources.ts'

/** What holds of nodes, in the order, under the paths (some are odd) and in the words of upstream. */

const taintsKey = 'scheduler.alpha.kubernetes.io/taints'
const avoidPodsKey = 'scheduler.alpha.kubernetes.io/preferAvoidPods'

export function validateNode({ metadata, spec = {}, status = {} }: Node): Errors {
  const errors: Errors = []
  validateAnnotations(errors, metadata?.annotations)
  validateTaints(errors, spec.taints, 'metadata.taints')
  validateResources(errors, status)
  const swap = status.nodeInfo?.swap?.capacity
  if (swap !== undefined && swap <= 0)
    errors.push(fieldErrors.invalid('metadata.nodeSwapStatus.capacity', swap, 'must be greater than zero'))
  validateFeatures(errors, status.declaredFeatures)
  validateRanges(errors, spec.podCIDRs)
  return errors
}

/** Of an update this comes after `validateNode`, of a status it is all. */
export function validateNodeUpdate({ metadata, spec = {}, status = {} }: Node, { spec: old = {} }: Node): Errors {
  const errors: Errors = []
  validateAnnotations(errors, metadata?.annotations)
  validateResources(errors, status)
  validateFeatures(errors, status.declaredFeatures)
  validateAddresses(errors, status.addresses)
  validateRangesUpdate(errors, spec, old)
  if (old.providerID && spec.providerID !== old.providerID)
    errors.push(fieldErrors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  validateTaints(errors, spec.taints, 'metadata.taints')
  if ((spec.externalID ?? '') !== (old.externalID ?? '')) errors.push(fieldErrors.forbidden('spec.externalID', 'may not be updated'))
  return errors
}

function validateAnnotations(errors: Errors, annotations: Readonly<Record<string, string>> = {}): void {
  const path = 'metadata.annotations'
  const taints = readAnnotation(errors, annotations, taintsKey, path)
  if (Array.isArray(taints)) validateTaints(errors, taints as Taint[], `${path}.${taintsKey}`)
  const avoided = readAnnotation(errors, annotations, avoidPodsKey, `${path}.AvoidPods`) as AvoidPods | null | undefined
  avoided?.preferAvoidPods?.forEach((entry, i) => validateAvoided(errors, entry, `${path}.${avoidPodsKey}[${i}].PodSignature`))
}

type AvoidPods = { readonly preferAvoidPods?: readonly { podSignature?: { podController?: { controller?: boolean } } }[] }

function validateAvoided(errors: Errors, entry: NonNullable<AvoidPods['preferAvoidPods']>[number], path: string): void {
  const controller = entry.podSignature?.podController
  if (!controller) errors.push(fieldErrors.required(path))
  else if (!controller.controller) errors.push(fieldErrors.invalid(`${path}.PodController.Controller`, false, 'must point to a controller'))
}

function readAnnotation(errors: Errors, annotations: Readonly<Record<string, string>>, key: string, path: string): unknown {
  const text = annotations[key]
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    errors.push(fieldErrors.invalid(path, key, jsonFault(text)))
    return undefined
  }
}

function validateTaints(errors: Errors, taints: readonly Taint[] = [], path: string): void {
  const seen = new Set<string>()
  taints.forEach((taint, i) => {
    const at = `${path}[${i}]`
    checkQualifiedName(errors, `${at}.key`, taint.key)
    const messages = labelValue(taint.value ?? '')
    if (messages.length) errors.push(fieldErrors.invalid(`${at}.value`, taint.value, messages.join(';')))
    if (!taint.effect) errors.push(fieldErrors.required(`${at}.effect`))
    else validateTaintEffect(errors, taint.effect, `${at}.effect`)
    const pair = `${taint.key}:${taint.effect}`
    if (seen.has(pair)) {
      const duplicate = fieldErrors.duplicate(at, internalForm('Taint', taint))
      errors.push({ ...duplicate, message: `${duplicate.message}: taints must be unique by key and effect pair` })
    }
    seen.add(pair)
  })
}

function validateResources(errors: Errors, { capacity, allocatable }: NodeStatus): void {
  for (const name in capacity) validateResourceValue(errors, name, capacity[name]!, `status.capacity.${name}`)
  for (const name in allocatable) validateResourceValue(errors, name, allocatable[name]!, `status.allocatable.${name}`)
}

const featureName = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/
const featureNameRule =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), " +
  'and contain only alphanumeric characters and slashes'

function validateFeatures(errors: Errors, features: readonly string[] = []): void {
  features.forEach((feature, i) => {
    const fault = feature.length > 253 ? 'must be no more than 253 characters' : featureName.test(feature) ? '' : featureNameRule
    if (fault)
      errors.push(
        fieldErrors.invalid(`status.declaredFeatures[${i}]`, feature, `invalid feature name ${JSON.stringify(feature)}: ${fault}`),
      )
    const next = features[i + 1]
    if (next === undefined || feature < next) return
    const at = `status.declaredFeatures[${i + 1}]`
    errors.push(feature === next ? fieldErrors.duplicate(at, next) : fieldErrors.invalid(at, next, 'list must be sorted alphabetically'))
  })
}

function validateRanges(errors: Errors, ranges: readonly string[] = []): void {
  ranges.forEach((range, i) => checkLegacyRange(errors, `spec.podCIDRs[${i}]`, range))
  if (ranges.length < 2) return
  const families = new Set(ranges.map((range) => familyOf(range.split('/')[0]!)))
  if (ranges.length > 2 || families.size < 2)
    errors.push(fieldErrors.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
}

function validateRangesUpdate(errors: Errors, { podCIDRs: ranges = [] }: NodeSpec, { podCIDRs: old = [] }: NodeSpec): void {
  if (old.length === 0) return
  const changes = ranges.length === old.length ? old.filter((range, i) => range !== ranges[i]).length : 1
  for (let i = 0; i < changes; i++)
    errors.push(fieldErrors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
}

function validateAddresses(errors: Errors, addresses: NonNullable<NodeStatus['addresses']> = []): void {
  addresses.forEach(({ type, address }, i) => {
    if (addresses.findIndex((a) => a.type === type && a.address === address) < i)
      errors.push(fieldErrors.duplicate(`status.addresses[${i}]`, internalForm('NodeAddress', addresses[i])))
  })
}
