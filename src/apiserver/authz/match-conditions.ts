/** Which questions a webhook is asked: expressions over the SubjectAccessReview that it would get. */
import type { SubjectAccessReviewSpec } from '../../kinds/generated/types/authorization-v1.ts'
import { type CelProgram, compileCel, describeIssues } from '../../machinery/cel/cel.ts'
import { celTypes, formatType } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { fromJson } from '../../machinery/cel/json-value.ts'
import { kubernetesEnvironment } from '../../machinery/cel/kubernetes-environment.ts'

const { string } = celTypes
const strings = celTypes.list(string)
const requirement = celTypes.object('kubernetes.SelectorRequirement', { key: string, operator: string, values: strings })
const selector = (name: string) => celTypes.object(name, { rawSelector: string, requirements: celTypes.list(requirement) })
const requestType = celTypes.object('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: celTypes.object('kubernetes.ResourceAttributes', {
    namespace: string,
    verb: string,
    group: string,
    version: string,
    resource: string,
    subresource: string,
    name: string,
    fieldSelector: selector('kubernetes.FieldSelectorAttributes'),
    labelSelector: selector('kubernetes.LabelSelectorAttributes'),
  }),
  nonResourceAttributes: celTypes.object('kubernetes.NonResourceAttributes', { path: string, verb: string }),
  user: string,
  groups: strings,
  extra: celTypes.map(string, strings),
  uid: string,
})

let environment: Environment | undefined

/** The program, or what is wrong with the text in upstream's words. */
export function compileMatchCondition(text: string): { readonly program: CelProgram } | { readonly error: string } {
  environment ??= kubernetesEnvironment({ variables: { request: requestType } })
  const { program, issues } = compileCel(environment, text)
  if (!program) return { error: `compilation failed: ${describeIssues(text, issues)}` }
  if (program.type.kind !== 'bool') return { error: `must evaluate to bool but got ${formatType(program.type)}` }
  return { program }
}

export type Match = { readonly matches: boolean } | { readonly error: string }

/** All hold, or one does not; an error counts only where none is false. */
export function matchReview(programs: readonly CelProgram[], spec: SubjectAccessReviewSpec): Match {
  if (programs.length === 0) return { matches: true }
  const request = fromJson(whole(spec), requestType)
  const errors: string[] = []
  for (const program of programs) {
    const { value, error } = program.evaluate({ request })
    if (error) errors.push(`cel evaluation error: expression '${program.text}' resulted in error: ${error.message}`)
    else if (value !== true) return { matches: false }
  }
  if (errors.length === 0) return { matches: true }
  return { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` }
}

/** With every text of the user and the attributes, the empty ones too: expressions need not ask whether they are there. */
function whole({
  resourceAttributes,
  nonResourceAttributes,
  user = '',
  groups = [],
  uid = '',
  extra = {},
}: SubjectAccessReviewSpec): object {
  const empty = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' }
  return {
    user,
    groups,
    uid,
    extra,
    ...(resourceAttributes ? { resourceAttributes: { ...empty, ...resourceAttributes } } : {}),
    ...(nonResourceAttributes ? { nonResourceAttributes: { path: '', verb: '', ...nonResourceAttributes } } : {}),
  }
}
