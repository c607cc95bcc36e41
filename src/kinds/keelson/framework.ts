import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkNonNegativeQuantity, checkRequiredName } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Condition } from '../generated/types/meta-v1.ts'
import { statusSubresource } from './status-subresource.ts'

/** Somebody who places pods by offers of room: https://www.usenix.org/conference/nsdi11/mesos-platform-fine-grained-resource-sharing-data-center */
export type Framework = KubeObject & { spec?: FrameworkSpec; status?: FrameworkStatus }

export type FrameworkSpec = {
  /** Its share against that of the others. A whole number, 1 to 1000; default 1. */
  weight?: number
  /** What its pods have as `spec.schedulerName`. Default: its own name. */
  schedulerName?: string
  /** Nodes that it wants offers of; absent: all. */
  nodeSelector?: Record<string, string>
  /** The least room on one node that is worth an offer. Default 100m of cpu and 32Mi of memory. */
  minResources?: Record<string, string>
  /** The most room on one node in one offer, other resources in proportion; absent: all that is free. */
  maxResources?: Record<string, string>
  /** Offers that may be open at once, 1 to 5000. Default 100. */
  offersMax?: number
  /** How long an offer waits for an answer, 1 to 3600. Default 30. */
  offerTimeoutSeconds?: number
  /** How old the renewal of its Lease may be, 1 to 3600. Default 15. */
  leaseDurationSeconds?: number
}

export type FrameworkStatus = {
  observedGeneration?: number
  conditions?: Condition[]
  /** The largest of its shares of the cluster's resources by weight, what it is offered included: `0.250`. */
  dominantShare?: string
  dominantResource?: string
  /** What its pods have. */
  allocated?: Record<string, string>
  /** What it is offered at present. */
  offered?: Record<string, string>
  /** Open offers. */
  offers?: number
  /** Of a framework whose Lease expired: the renewal that was the last. */
  expiredRenewTime?: string
}

const reservedSchedulers = ['default-scheduler']

export const frameworks = defineKind<Framework>({
  group: 'keelson.dev',
  version: 'v1',
  kind: 'Framework',
  shortNames: ['fw'],
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  extraSubresources: [statusSubresource('Framework')],
  applyDefaults: (framework) => {
    const spec = (framework.spec ??= {})
    spec.weight ??= 1
    const { name } = framework.metadata
    if (spec.schedulerName === undefined && name) spec.schedulerName = name
    spec.minResources ??= { cpu: '100m', memory: '32Mi' }
    spec.offersMax ??= 100
    spec.offerTimeoutSeconds ??= 30
    spec.leaseDurationSeconds ??= 15
    canonicalizeList(spec.minResources)
    canonicalizeList(spec.maxResources)
  },
  validate: ({ spec = {} }) => {
    const errors: FieldError[] = []
    checkWhole(errors, 'spec.weight', spec.weight, 1, 1_000)
    checkWhole(errors, 'spec.offersMax', spec.offersMax, 1, 5_000)
    checkWhole(errors, 'spec.offerTimeoutSeconds', spec.offerTimeoutSeconds, 1, 3_600)
    checkWhole(errors, 'spec.leaseDurationSeconds', spec.leaseDurationSeconds, 1, 3_600)
    checkRequiredName(errors, 'spec.schedulerName', spec.schedulerName, dns1123Subdomain)
    if (reservedSchedulers.includes(spec.schedulerName ?? ''))
      errors.push(fieldErrors.invalid('spec.schedulerName', spec.schedulerName, 'its pods must not be for the default scheduler'))
    checkTexts(errors, 'spec.nodeSelector', spec.nodeSelector)
    checkResources(errors, 'spec.minResources', spec.minResources)
    checkResources(errors, 'spec.maxResources', spec.maxResources)
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec?.schedulerName, old.spec?.schedulerName, 'spec.schedulerName'),
  columns: [
    nameColumn,
    column.integer('Weight', ({ spec }) => spec?.weight),
    column.string('Active', ({ status }) => status?.conditions?.find((c) => c.type === 'Active')?.status ?? ''),
    column.string('Share', ({ status }) => status?.dominantShare ?? ''),
    column.string('Of', ({ status }) => status?.dominantResource ?? ''),
    column.integer('Offers', ({ status }) => status?.offers ?? 0),
    ageColumn,
  ],
})

/** As canonicalizeQuantities; what is no list is left for validation. */
export function canonicalizeList(list: Record<string, string> | undefined): void {
  if (typeof list === 'object') canonicalizeQuantities(list)
}

/** A whole number in bounds; an absent one is fine. */
export function checkWhole(errors: FieldError[], field: string, value: unknown, low: number, high: number): void {
  if (value === undefined) return
  if (!Number.isInteger(value)) errors.push(fieldErrors.typeInvalid(field, value, 'must be an integer'))
  else if ((value as number) < low || (value as number) > high)
    errors.push(fieldErrors.invalid(field, value, `must be between ${low} and ${high}, inclusive`))
}

/** Quantities by resource name; an absent list is fine. */
export function checkResources(errors: FieldError[], field: string, value: unknown): void {
  if (value === undefined) return
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    errors.push(fieldErrors.typeInvalid(field, value, 'must be quantities by resource name'))
    return
  }
  for (const [name, quantity] of Object.entries(value)) {
    if (typeof quantity === 'string' || typeof quantity === 'number') checkNonNegativeQuantity(errors, `${field}[${name}]`, quantity)
    else errors.push(fieldErrors.typeInvalid(`${field}[${name}]`, quantity, 'must be a quantity'))
  }
}

function checkTexts(errors: FieldError[], field: string, value: unknown): void {
  if (value === undefined) return
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMap || Object.values(value).some((text) => typeof text !== 'string'))
    errors.push(fieldErrors.typeInvalid(field, value, 'must be texts by name'))
}
