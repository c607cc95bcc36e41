import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { NodeAffinity, NodeSelectorTerm } from '../generated/types/core-v1.ts'
import { internalForm } from '../internal-form.ts'
import { semanticEqual } from '../semantic-equal.ts'

type Labels = Readonly<Record<string, string>> | undefined

/** Of a pod with scheduling gates the node selector may gain labels. */
export function validateNodeSelectorChange(selector: Labels, old: Labels): FieldError[] {
  const isKept = Object.keys(old ?? {}).every((key) => selector?.[key] === old![key])
  const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
  return isKept ? [] : [fieldErrors.invalid('spec.nodeSelector', selector ?? null, detail)]
}

/** And required node affinity may gain conditions; nothing may go. */
export function validateNodeAffinityChange(affinity: NodeAffinity | undefined, old: NodeAffinity | undefined): FieldError[] {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const oldTerms = requiredTerms(old) ?? []
  const terms = requiredTerms(affinity)
  if (oldTerms.length === 0) return []
  if (terms?.length !== oldTerms.length) {
    const detail = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'
    return [fieldErrors.invalid(path, terms ? terms.map(shown) : null, detail)]
  }
  return oldTerms.flatMap((term, i) => {
    const next = terms[i]!
    return hasOnlyAdditions(next, term)
      ? []
      : [fieldErrors.invalid(`${path}[${i}]`, shown(next), 'only additions are allowed (no mutations or deletions)')]
  })
}

const shown = (term: NodeSelectorTerm) => internalForm('NodeSelectorTerm', term)

function hasOnlyAdditions(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const wasEmpty = !old.matchExpressions?.length && !old.matchFields?.length
  // A term without conditions matches nothing: any condition would make it match more.
  if (wasEmpty) return !next.matchExpressions?.length && !next.matchFields?.length
  return startsWith(next.matchExpressions, old.matchExpressions) && startsWith(next.matchFields, old.matchFields)
}

function requiredTerms(affinity: NodeAffinity | undefined): readonly NodeSelectorTerm[] | undefined {
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
}

function startsWith(list: readonly unknown[] | undefined, prefix: readonly unknown[] | undefined): boolean {
  return (prefix ?? []).every((item, i) => semanticEqual(list?.[i], item))
}
