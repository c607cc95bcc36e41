import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { checkEnum, checkRange, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type {
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../generated/types/flowcontrol-v1.ts'
import { conditionTypeErrors } from './condition-types.ts'
import { mandatoryLevel } from './mandatory.ts'
import { shownLevelSpec } from './shown-spec.ts'

const sharesDefault = 30
const queuesDefault = 64
const handSizeDefault = 8
const queueLengthDefault = 50
const queuesMax = 10_000_000

export const priorityLevelConfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  validateName: dns1123Subdomain,
  applyDefaults: ({ spec }) => {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0
      spec.exempt.lendablePercent ??= 0
    }
    if (!spec?.limited) return
    spec.limited.nominalConcurrencyShares ??= sharesDefault
    spec.limited.lendablePercent ??= 0
    const queuing = spec.limited.limitResponse?.queuing
    if (!queuing) return
    queuing.queues ||= queuesDefault
    queuing.handSize ||= handSizeDefault
    queuing.queueLengthLimit ||= queueLengthDefault
  },
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ metadata, spec = {} as PriorityLevelConfigurationSpec }) => {
    const errors: FieldError[] = []
    const name = metadata.name ?? ''
    const { type = '', limited, exempt } = spec as Partial<PriorityLevelConfigurationSpec>
    if ((name === 'exempt') !== (type === 'Exempt'))
      errors.push(fieldErrors.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"))
    if (type === 'Exempt') {
      if (limited) errors.push(fieldErrors.forbidden('spec.limited', 'must be nil if the type is not Limited'))
      checkShares(errors, 'spec.exempt', exempt)
      checkRange(errors, 'spec.exempt.lendablePercent', exempt?.lendablePercent, 0, 100)
    } else if (type === 'Limited') {
      if (exempt) errors.push(fieldErrors.forbidden('spec.exempt', 'must be nil if the type is Limited'))
      if (limited) validateLimited(errors, limited)
      else errors.push(fieldErrors.required('spec.limited', 'must not be empty when type is Limited'))
    } else checkEnum(errors, 'spec.type', type, ['Exempt', 'Limited'])
    errors.push(...mandatoryErrors(name, spec))
    return errors
  },
  validateStatusUpdate: ({ status }) => conditionTypeErrors(status?.conditions),
  columns: [
    nameColumn,
    column.string('Type', ({ spec }) => spec?.type ?? ''),
    column.string('NominalConcurrencyShares', ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>'),
    column.string('Queues', ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? '<none>'),
    column.string('HandSize', ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>'),
    column.string('QueueLengthLimit', ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>'),
    ageColumn,
  ],
})

/** What upstream's hash of a flow gives. */
const entropyBitsMax = 60

/** How many bits tell all hands of a deck apart: upstream's quick estimate. */
const entropyBits = (deckSize: number, handSize: number) => Math.ceil(Math.log2(deckSize) * handSize)

/** Administrators may change how much of the exempt level's room is lent, and nothing else of what every cluster has. */
function mandatoryErrors(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  const fixed = mandatoryLevel(name)
  const { exempt, ...others } = spec
  const wanted = fixed && name === 'exempt' ? { type: fixed.type } : fixed
  if (!wanted || deepEqual(name === 'exempt' ? others : spec, wanted)) return []
  const detail =
    name === 'exempt'
      ? `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`
      : `spec of '${name}' must equal the fixed value`
  return [fieldErrors.invalid('spec', shownLevelSpec({ ...others, ...(exempt ? { exempt } : {}) }), detail)]
}

function checkShares(errors: Errors, path: string, level: { readonly nominalConcurrencyShares?: number } | undefined): void {
  const shares = level?.nominalConcurrencyShares ?? 0
  if (shares < 0) errors.push(fieldErrors.invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'))
}

function validateLimited(errors: Errors, limited: LimitedPriorityLevelConfiguration): void {
  const at = 'spec.limited'
  checkShares(errors, at, limited)
  const { type, queuing } = limited.limitResponse ?? {}
  const path = `${at}.limitResponse`
  if (type === 'Reject') {
    if (queuing) errors.push(fieldErrors.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (queuing) validateQueuing(errors, queuing, `${path}.queuing`)
    else errors.push(fieldErrors.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
  } else checkEnum(errors, `${path}.type`, type, ['Queue', 'Reject'])
  checkRange(errors, `${at}.lendablePercent`, limited.lendablePercent, 0, 100)
  const { borrowingLimitPercent: borrowed } = limited
  if (borrowed !== undefined && borrowed < 0)
    errors.push(fieldErrors.invalid(`${at}.borrowingLimitPercent`, borrowed, 'if specified, must be a non-negative integer'))
}

function validateQueuing(errors: Errors, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, path: string): void {
  if (queueLengthLimit <= 0) errors.push(fieldErrors.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) errors.push(fieldErrors.invalid(`${path}.queues`, queues, 'must be positive'))
  else if (queues > queuesMax) errors.push(fieldErrors.invalid(`${path}.queues`, queues, `must not be greater than ${queuesMax}`))
  const complain = (detail: string) => errors.push(fieldErrors.invalid(`${path}.handSize`, handSize, detail))
  if (handSize <= 0) complain('must be positive')
  else if (handSize > queues) complain(`should not be greater than queues (${queues})`)
  else if (entropyBits(queues, handSize) > entropyBitsMax)
    complain(`required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${entropyBitsMax}`)
}
