import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { matches, selectorFrom, selectorFromMap, validateLabelSelector } from '../../../machinery/label-selector.ts'
import type { LabelSelector, ObjectMeta } from '../../generated/types/meta-v1.ts'
import type { PodTemplateSpec } from '../../generated/types/core-v1.ts'
import { mapValue, selectorValue } from '../../go-value.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validateTemplateMeta } from './validate-template-meta.ts'
import { validatePodTemplate } from './validate-pod-spec.ts'

type WorkloadSpec = { readonly selector?: LabelSelector | undefined; readonly template?: PodTemplateSpec | undefined }

type WorkloadWords = {
  /** The kind in upstream's sentence about deadlines. */
  readonly word: string
  /** The kind in the one about empty selectors. */
  readonly empty: string
  /** What is said of a selector that is none; absent where the template is judged even so, and a missing selector is told by it alone. */
  readonly unusable?: string
  /** Labels and annotations of the template are judged twice, and how long its pods run beside any selector. */
  readonly isOfStatefulSet?: boolean
}

/** Selector and template of a workload whose pods run for ever. */
export function validateWorkloadTemplate(
  spec: WorkloadSpec,
  { word, empty, unusable, isOfStatefulSet = false }: WorkloadWords,
): FieldError[] {
  const { selector, template } = spec
  const emptyMessage = `empty selector is invalid for ${empty}`
  const errors = selector || unusable !== undefined ? validateSelector(selector, emptyMessage) : []
  const isUsable = !selector || validateLabelSelector(selector, 'spec.selector').length === 0
  if (unusable !== undefined && !isUsable) {
    errors.push(fieldErrors.invalid('spec.selector', selectorValue(selector), unusable))
    return isOfStatefulSet && template ? [...errors, ...validateRunsForEver(template, word)] : errors
  }
  if (!template) return [...errors, fieldErrors.required('spec.template')]
  // A selector that is not there selects nothing.
  if (!selector || (isUsable && !isEmptySelector(selector) && !matches(selectorFrom(selector), template.metadata?.labels)))
    errors.push(mismatch(template))
  errors.push(...validatePodTemplate(template, 'spec.template'))
  if (isOfStatefulSet) validateTemplateMeta(errors, template.metadata, 'spec.template')
  errors.push(...validateRunsForEver(template, word))
  return errors
}

/** A selector that must be there and select something. */
export function validateSelector(selector: LabelSelector | undefined, emptyMessage: string): FieldError[] {
  if (!selector) return [fieldErrors.required('spec.selector')]
  const errors = validateLabelSelector(selector, 'spec.selector')
  if (isEmptySelector(selector)) errors.push(fieldErrors.invalid('spec.selector', selectorValue(selector), emptyMessage))
  return errors
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0
}

/** Labels that a plain map does not select (ReplicationController). */
export function validateMapSelects(map: Readonly<Record<string, string>>, template: PodTemplateSpec): FieldError[] {
  return matches(selectorFromMap(map), template.metadata?.labels) ? [] : [mismatch(template)]
}

export function mismatch(template: PodTemplateSpec): FieldError {
  return fieldErrors.invalid(
    'spec.template.metadata.labels',
    mapValue(template.metadata?.labels),
    '`selector` does not match template `labels`',
  )
}

export function validateRunsForEver(template: PodTemplateSpec, word: string): FieldError[] {
  const errors: FieldError[] = []
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {}
  if (restartPolicy !== undefined && restartPolicy !== 'Always')
    errors.push(fieldErrors.notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined)
    errors.push(fieldErrors.forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${word} is not Supported`))
  return errors
}

type Workload = { readonly metadata: ObjectMeta; readonly spec?: { readonly template?: PodTemplateSpec } }

/** What is to be said of a workload's template, unless the request left the spec as it was. */
export function changedTemplateWarnings({ metadata, spec }: Workload, old: Workload | undefined): string[] {
  return old && old.metadata.generation === metadata.generation ? [] : templateWarnings(spec?.template, 'spec.template')
}

/** Names of the template's containers, for the wide columns. */
export function containerNames(template: PodTemplateSpec | undefined): string {
  return template?.spec?.containers?.map((c) => c.name).join(',') ?? ''
}

export function containerImages(template: PodTemplateSpec | undefined): string {
  return template?.spec?.containers?.map((c) => c.image ?? '').join(',') ?? ''
}

/** `a=b,c in (d,e)`; `<none>` without a selector, as upstream formats selectors in columns. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (!selector) return '<none>'
  const parts = Object.entries(selector.matchLabels ?? {}).map(([k, v]) => ({ key: k, text: `${k}=${v}` }))
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(',')})`
    const text =
      operator === 'In' ? `${key} in ${list}` : operator === 'NotIn' ? `${key} notin ${list}` : operator === 'Exists' ? key : `!${key}`
    parts.push({ key, text })
  }
  if (parts.length === 0) return '<none>'
  return parts
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((p) => p.text)
    .join(',')
}
