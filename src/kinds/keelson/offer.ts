import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { checkOptionalEnum, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Subresource } from '../kind.ts'
import { canonicalizeList, checkResources } from './framework.ts'
import { statusSubresource } from './status-subresource.ts'

/**
 * Room on one node that is kept for one framework until it answers or the offer expires. A declined one keeps nothing: it says until when
 * the framework wants no offer of this node.
 */
export type Offer = KubeObject & { spec: OfferSpec; status?: OfferStatus }

export type OfferSpec = {
  /** The Framework in the same namespace. */
  frameworkName: string
  nodeName: string
  /** `pods` counts places for pods. */
  resources: Record<string, string>
  /** RFC 3339. */
  expirationTime: string
}

export type OfferStatus = {
  /** Default `Offered`. */
  phase?: 'Offered' | 'Declined'
  /** Of a declined one: by the framework, or because no answer came in time. */
  reason?: 'Declined' | 'TimedOut'
  /** Of a declined one: when the node may be offered again. RFC 3339. */
  filterUntil?: string
}

/** Body of POST `offers/NAME/accept`: pods of the framework that wait without a node. They are bound all at once, or none is. */
export type OfferAcceptance = KubeObject & { pods: { name: string; uid?: string }[] }

/** Body of POST `offers/NAME/decline`, which may be empty. */
export type OfferDecline = KubeObject & {
  /** For how long the framework wants no offer of this node, 0 to 86400. Default 5. */
  filterSeconds?: number
}

export const isOpenOffer = ({ status }: Offer) => status?.phase !== 'Declined'

const answers: readonly Subresource[] = [
  { name: 'accept', group: 'keelson.dev', version: 'v1', kind: 'OfferAcceptance', verbs: ['create'] },
  { name: 'decline', group: 'keelson.dev', version: 'v1', kind: 'OfferDecline', verbs: ['create'] },
]

export const offers = defineKind<Offer>({
  group: 'keelson.dev',
  version: 'v1',
  kind: 'Offer',
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  extraSubresources: [statusSubresource('Offer'), ...answers],
  applyDefaults: ({ spec }) => canonicalizeList((spec as OfferSpec | undefined)?.resources),
  validate: (offer) => {
    const errors: FieldError[] = []
    const spec: Partial<OfferSpec> = offer.spec ?? {}
    checkRequired(errors, 'spec.frameworkName', spec.frameworkName)
    checkRequired(errors, 'spec.nodeName', spec.nodeName)
    if (checkRequired(errors, 'spec.resources', spec.resources)) checkResources(errors, 'spec.resources', spec.resources)
    if (checkRequired(errors, 'spec.expirationTime', spec.expirationTime) && Number.isNaN(Date.parse(String(spec.expirationTime))))
      errors.push(fieldErrors.invalid('spec.expirationTime', spec.expirationTime, 'must be a time in RFC 3339'))
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec, old.spec, 'spec'),
  validateStatusUpdate: ({ status }, old) => {
    const errors: FieldError[] = []
    checkOptionalEnum(errors, 'status.phase', status?.phase, ['Offered', 'Declined'])
    // The room may be somebody else's by now.
    if (!isOpenOffer(old) && status?.phase !== 'Declined')
      errors.push(fieldErrors.forbidden('status.phase', 'a declined offer is not opened again'))
    return errors
  },
  selectableFields: {
    'spec.frameworkName': ({ spec }) => (spec as OfferSpec | undefined)?.frameworkName ?? '',
    'spec.nodeName': ({ spec }) => (spec as OfferSpec | undefined)?.nodeName ?? '',
  },
  columns: [
    nameColumn,
    column.string('Framework', ({ spec }) => spec?.frameworkName ?? ''),
    column.string('Node', ({ spec }) => spec?.nodeName ?? ''),
    column.string('Phase', ({ status }) => status?.phase ?? 'Offered'),
    column.string('Cpu', ({ spec }) => spec?.resources?.cpu ?? ''),
    column.string('Memory', ({ spec }) => spec?.resources?.memory ?? ''),
    column.wide('Until', ({ spec, status }) => status?.filterUntil ?? spec?.expirationTime ?? ''),
    ageColumn,
  ],
})
