import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { NodeSelectorTerm, PodSpec } from '../generated/types/core-v1.ts'

/** Of a pod with scheduling gates the node selector may gain labels and required node affinity may gain conditions, nothing may go. */
export function validateNodeSelectorTightening(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const key in old.nodeSelector) {
    if (spec.nodeSelector?.[key] === old.nodeSelector[key]) continue
    errors.push(
      fieldErrors.invalid(
        'spec.nodeSelector',
        spec.nodeSelector ?? {},
        'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ),
    )
    break
  }
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const oldTerms = requiredTerms(old)
  const terms = requiredTerms(spec)
  if (oldTerms.length === 0) return errors
  if (terms.length !== oldTerms.length) {
    errors.push(fieldErrors.invalid(path, terms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'))
    return errors
  }
  oldTerms.forEach((term, i) => {
    const next = terms[i]!
    const wasEmpty = !term.matchExpressions?.length && !term.matchFields?.length
    const isSame = wasEmpty
      ? deepEqual(next, term)
      : startsWith(next.matchExpressions, term.matchExpressions) && startsWith(next.matchFields, term.matchFields)
    if (!isSame) errors.push(fieldErrors.invalid(`${path}[${i}]`, next, 'only additions are allowed (no mutations or deletions)'))
  })
  return errors
}

function requiredTerms(spec: PodSpec): readonly NodeSelectorTerm[] {
  return spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
}

function startsWith(list: readonly unknown[] | undefined, prefix: readonly unknown[] | undefined): boolean {
  return (prefix ?? []).every((item, i) => deepEqual(list?.[i], item))
}
