import { fieldErrors } from '../../../machinery/field-error.ts'
import { validateLabelSelector } from '../../../machinery/label-selector.ts'
import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../../machinery/names.ts'
import { checkOptionalEnum, checkOptionalName, checkQualifiedName, checkRequired, type Errors, notPositive } from '../../checks.ts'
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types/core-v1.ts'

/** Node and pod affinity of a pod spec. */
export function validateAffinity(errors: Errors, affinity: Affinity | undefined, path: string): void {
  if (!affinity) return
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity
  if (nodeAffinity) {
    const field = `${path}.nodeAffinity`
    const required = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    if (required) validateNodeSelector(errors, required, `${field}.requiredDuringSchedulingIgnoredDuringExecution`)
    nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      checkWeight(errors, term.weight, at)
      // Wishes may have values that no label has: they do no harm.
      validateNodeSelectorTerm(errors, term.preference ?? {}, `${at}.preference`, { allowsAnyValue: true })
    })
  }
  for (const [name, rules] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    if (!rules) continue
    rules.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) =>
      validatePodAffinityTerm(errors, term, `${path}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`),
    )
    rules.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      const at = `${path}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      checkWeight(errors, term.weight, at)
      validatePodAffinityTerm(errors, term.podAffinityTerm ?? {}, `${at}.podAffinityTerm`)
    })
  }
}

function checkWeight(errors: Errors, weight: number | undefined, path: string): void {
  if (!(weight !== undefined && weight >= 1 && weight <= 100))
    errors.push(fieldErrors.invalid(`${path}.weight`, weight ?? 0, 'must be in the range 1-100'))
}

/** The selector of required node affinity, of a volume's node affinity and of others like them. */
export function validateNodeSelector(errors: Errors, selector: NodeSelector, path: string): void {
  if (!selector.nodeSelectorTerms?.length) {
    errors.push(fieldErrors.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term'))
    return
  }
  selector.nodeSelectorTerms.forEach((term, i) => validateNodeSelectorTerm(errors, term, `${path}.nodeSelectorTerms[${i}]`))
}

type TermRules = { readonly allowsAnyValue: boolean }

function validateNodeSelectorTerm(
  errors: Errors,
  term: NodeSelectorTerm,
  path: string,
  rules: TermRules = { allowsAnyValue: false },
): void {
  term.matchExpressions?.forEach((requirement, i) => validateExpression(errors, requirement, `${path}.matchExpressions[${i}]`, rules))
  term.matchFields?.forEach((requirement, i) => validateFieldRequirement(errors, requirement, `${path}.matchFields[${i}]`))
}

function validateExpression(
  errors: Errors,
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: string,
  { allowsAnyValue }: TermRules,
): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(fieldErrors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      errors.push(fieldErrors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1)
      errors.push(fieldErrors.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
  } else {
    errors.push(fieldErrors.invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  }
  checkQualifiedName(errors, `${path}.key`, key)
  if (allowsAnyValue) return
  values.forEach((value, i) => {
    for (const message of labelValue(value)) errors.push(fieldErrors.invalid(`${path}.values[${i}]`, value, message))
  })
}

function validateFieldRequirement(errors: Errors, { key, operator, values = [] }: NodeSelectorRequirement, path: string): void {
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(fieldErrors.invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  else if (values.length !== 1)
    errors.push(fieldErrors.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
  if (key !== 'metadata.name') errors.push(fieldErrors.invalid(`${path}.key`, key ?? '', 'not a valid field selector key'))
  else values.forEach((value, i) => checkOptionalName(errors, `${path}.values[${i}]`, value, dns1123Subdomain))
}

function validatePodAffinityTerm(errors: Errors, term: Partial<PodAffinityTerm>, path: string): void {
  if (term.labelSelector) errors.push(...validateLabelSelector(term.labelSelector, `${path}.labelSelector`))
  if (term.namespaceSelector) errors.push(...validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`))
  term.namespaces?.forEach((name) => {
    for (const message of dns1123Label(name)) errors.push(fieldErrors.invalid(`${path}.namespace`, name, message))
  })
  validateLabelKeys(errors, term, path)
  checkRequired(errors, `${path}.topologyKey`, term.topologyKey, 'can not be empty')
  checkQualifiedName(errors, `${path}.topologyKey`, term.topologyKey)
}

type LabelKeys = Pick<PodAffinityTerm, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>

/** Keys whose values of the pod itself join the selector: named once, and not in the selector besides. */
function validateLabelKeys(errors: Errors, term: LabelKeys, path: string): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    const keys = term[field]
    if (!keys?.length) continue
    if (!labelSelector) errors.push(fieldErrors.forbidden(`${path}.${field}`, 'must not be specified when labelSelector is not set'))
    else keys.forEach((key, i) => checkQualifiedName(errors, `${path}.${field}[${i}]`, key))
  }
  if (labelSelector) {
    const selected = new Set(Object.keys(labelSelector.matchLabels ?? {}))
    for (const { key } of labelSelector.matchExpressions ?? []) {
      // The keys have joined the selector already: one that is there twice was there before.
      if (matchLabelKeys.includes(key) && selected.has(key))
        errors.push(
          fieldErrors.invalid(`${path}[${matchLabelKeys.lastIndexOf(key)}]`, key, 'exists in both matchLabelKeys and labelSelector'),
        )
      selected.add(key)
    }
  }
  matchLabelKeys.forEach((key, i) => {
    if (mismatchLabelKeys.includes(key))
      errors.push(fieldErrors.invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  })
}

export function validateTopologySpread(
  errors: Errors,
  constraints: readonly Partial<TopologySpreadConstraint>[] | undefined,
  path: string,
): void {
  constraints?.forEach((constraint, i) => {
    const at = `${path}[${i}]`
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains } = constraint
    if (maxSkew <= 0) errors.push(fieldErrors.invalid(`${at}.maxSkew`, maxSkew, notPositive))
    checkRequired(errors, `${at}.topologyKey`, topologyKey, 'can not be empty')
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway')
      errors.push(fieldErrors.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']))
    const isAgain = constraints
      .slice(i + 1)
      .some((other) => (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable)
    if (isAgain) errors.push(fieldErrors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`))
    if (minDomains !== undefined && minDomains <= 0) errors.push(fieldErrors.invalid(`${at}.minDomains`, minDomains, notPositive))
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule')
      errors.push(
        fieldErrors.invalid(
          `${at}.minDomains`,
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
        ),
      )
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const)
      checkOptionalEnum(errors, `${at}.${field}`, constraint[field], ['Honor', 'Ignore'])
    validateLabelKeys(errors, constraint, at)
    if (constraint.labelSelector) errors.push(...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`))
  })
}

export function validateTolerations(errors: Errors, tolerations: readonly Toleration[] | undefined, path: string): void {
  if (!tolerations) return
  for (let i = 0; i < tolerations.length; i++) {
    const { key, operator, value, effect, tolerationSeconds } = tolerations[i]!
    const at = `${path}[${i}]`
    if (key) checkQualifiedName(errors, `${at}.key`, key)
    else if (operator !== 'Exists')
      errors.push(
        fieldErrors.invalid(
          `${at}.operator`,
          operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      )
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(fieldErrors.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if (operator === undefined || (operator as string) === '' || operator === 'Equal') {
      const messages = value ? labelValue(value) : []
      if (messages.length) errors.push(fieldErrors.invalid(`${at}.operator`, value, messages.join(';')))
    } else if (operator === 'Exists') {
      if (value) errors.push(fieldErrors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else if (operator === 'Lt' || operator === 'Gt') {
      for (const message of decimalInteger(value ?? '')) errors.push(fieldErrors.invalid(`${at}.value`, value ?? '', message))
    } else {
      errors.push(fieldErrors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
    }
    if (effect) validateTaintEffect(errors, effect, `${at}.effect`)
  }
}

export function validateTaintEffect(errors: Errors, effect: string, path: string): void {
  if (effect !== 'NoSchedule' && effect !== 'PreferNoSchedule' && effect !== 'NoExecute')
    errors.push(fieldErrors.notSupported(path, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']))
}

/** A plain map of labels that nodes must have. */
export function validateNodeLabels(errors: Errors, labels: Readonly<Record<string, string>> | undefined, path: string): void {
  for (const key in labels) {
    for (const message of qualifiedName(key)) errors.push(fieldErrors.invalid(path, key, message))
    for (const message of labelValue(labels[key]!)) errors.push(fieldErrors.invalid(path, labels[key], message))
  }
}

/** What is wrong with a number that taints are compared with: 64 bits, written as people write it. The words of the second rule are Go's. */
function decimalInteger(text: string): string[] {
  const messages: string[] = []
  if (text === '') messages.push('must be non-empty')
  else if (!/^(0|-?[1-9]\d*)$/.test(text)) messages.push('must be a valid decimal integer in canonical form')
  const refuse = (why: string) => messages.push(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`)
  if (!/^[+-]?\d+$/.test(text)) refuse('invalid syntax')
  else if (BigInt.asIntN(64, BigInt(text.replace('+', ''))) !== BigInt(text.replace('+', ''))) refuse('value out of range')
  return messages
}
