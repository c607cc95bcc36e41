import { type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { matches, selectorFrom, selectorFromMap, validateLabelSelector } from '../../../machinery/label-selector.ts'
import type { LabelSelector, ObjectMeta } from '../../generated/types/meta-v1.ts'
import type { PodTemplateSpec } from '../../generated/types/core-v1.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validatePodTemplate } from './validate-pod-spec.ts'

type WorkloadSpec = { readonly selector?: LabelSelector | undefined; readonly template?: PodTemplateSpec | undefined }

/**
 * Selector and template of a workload whose pods run for ever. `word` is the kind in upstream's sentence about deadlines, `empty` in the one
 * about selectors; `isSelectorOptional`: that there is none is told by the template alone.
 */
export function validateWorkloadTemplate(
  spec: WorkloadSpec,
  { word, empty, isSelectorOptional = false }: { readonly word: string; readonly empty: string; readonly isSelectorOptional?: boolean },
): FieldError[] {
  const errors = spec.selector || !isSelectorOptional ? validateSelector(spec.selector, `empty selector is invalid for ${empty}`) : []
  const isUsable = errors.length === 0
  if (!spec.template) return [...errors, fieldErrors.required('spec.template')]
  // A selector that is not there selects nothing.
  if (!spec.selector || (isUsable && !matches(selectorFrom(spec.selector), spec.template.metadata?.labels)))
    errors.push(mismatch(spec.template))
  errors.push(...validatePodTemplate(spec.template, 'spec.template'), ...validateRunsForEver(spec.template, word))
  return errors
}

/** A selector that must be there and select something. */
export function validateSelector(selector: LabelSelector | undefined, emptyMessage: string): FieldError[] {
  if (!selector) return [fieldErrors.required('spec.selector')]
  const errors = validateLabelSelector(selector, 'spec.selector')
  if (isEmptySelector(selector)) errors.push(fieldErrors.invalid('spec.selector', selector, emptyMessage))
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
    template.metadata?.labels ?? null,
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
