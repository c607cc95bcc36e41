import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { pathSegmentName } from '../../machinery/names.ts'
import { checkNonNegative, checkRange, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { LimitedPriorityLevelConfiguration, PriorityLevelConfiguration } from '../generated/types/flowcontrol-v1.ts'

const sharesDefault = 30
const queuesDefault = 64
const handSizeDefault = 8
const queueLengthDefault = 50
const queuesMax = 10_000_000

export const priorityLevelConfigurations = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  validateName: pathSegmentName,
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
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (spec?.type === 'Exempt') {
      if (spec.limited) errors.push(fieldErrors.forbidden('spec.limited', 'must be nil if the type is not Limited'))
      checkNonNegative(errors, 'spec.exempt.nominalConcurrencyShares', spec.exempt?.nominalConcurrencyShares)
      checkRange(errors, 'spec.exempt.lendablePercent', spec.exempt?.lendablePercent, 0, 100)
    } else if (spec?.type === 'Limited') {
      if (spec.exempt) errors.push(fieldErrors.forbidden('spec.exempt', 'must be nil if the type is Limited'))
      if (spec.limited) validateLimited(errors, spec.limited)
      else errors.push(fieldErrors.required('spec.limited', 'must not be empty when type is Limited'))
    } else {
      errors.push(fieldErrors.notSupported('spec.type', spec?.type ?? '', ['Exempt', 'Limited']))
    }
    return errors
  },
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

/** How many bits tell all hands of a deck apart. */
function entropyBits(deckSize: number, handSize: number): number {
  let bits = 0
  for (let i = 0; i < Math.min(handSize, deckSize, entropyBitsMax + 1); i++) bits += Math.log2(deckSize - i)
  return Math.ceil(bits)
}

function validateLimited(errors: Errors, limited: LimitedPriorityLevelConfiguration): void {
  const at = 'spec.limited'
  checkNonNegative(errors, `${at}.nominalConcurrencyShares`, limited.nominalConcurrencyShares)
  checkRange(errors, `${at}.lendablePercent`, limited.lendablePercent, 0, 100)
  checkNonNegative(errors, `${at}.borrowingLimitPercent`, limited.borrowingLimitPercent)
  const { type, queuing } = limited.limitResponse ?? {}
  if (type === 'Reject') {
    if (queuing)
      errors.push(fieldErrors.forbidden(`${at}.limitResponse.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (!queuing) {
      errors.push(fieldErrors.required(`${at}.limitResponse.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
      return
    }
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
    for (const [field, value] of Object.entries({ queueLengthLimit, queues, handSize }))
      if (value <= 0) errors.push(fieldErrors.invalid(`${at}.limitResponse.queuing.${field}`, value, 'must be positive'))
    if (queues > queuesMax)
      errors.push(fieldErrors.invalid(`${at}.limitResponse.queuing.queues`, queues, `must not be greater than ${queuesMax}`))
    const bits = entropyBits(queues, handSize)
    if (bits > entropyBitsMax)
      errors.push(
        fieldErrors.invalid(
          `${at}.limitResponse.queuing.handSize`,
          handSize,
          `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${entropyBitsMax}`,
        ),
      )
    if (handSize > queues)
      errors.push(fieldErrors.invalid(`${at}.limitResponse.queuing.handSize`, handSize, `should not be greater than queues (${queues})`))
  } else {
    errors.push(fieldErrors.notSupported(`${at}.limitResponse.type`, type ?? '', ['Queue', 'Reject']))
  }
}
