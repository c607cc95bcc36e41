/** Expressions about the claims of a token and about the user that they make. */
import { type Expr, operators } from '../../machinery/cel/ast.ts'
import { compileCel, describeIssues } from '../../machinery/cel/cel.ts'
import { type CelType, celTypes } from '../../machinery/cel/cel-type.ts'
import type { Environment } from '../../machinery/cel/environment.ts'
import { EvaluationError } from '../../machinery/cel/evaluation-error.ts'
import { fromJson, toJson } from '../../machinery/cel/json-value.ts'
import { kubernetesEnvironment } from '../../machinery/cel/kubernetes-environment.ts'
import type { Claims, Evaluate, JudgedUser } from './claim-rules.ts'

export type CompiledText<T> = { readonly evaluate: Evaluate<T>; readonly expr: Expr }

const { string, bool, dyn } = celTypes
const claimsType = celTypes.map(string, dyn)
const userType = celTypes.object('kubernetes.UserInfo', {
  username: string,
  uid: string,
  groups: celTypes.list(string),
  extra: celTypes.map(string, celTypes.list(string)),
})

const environments: { claims?: Environment; user?: Environment } = {}

/** `claims` is the expression's variable. What is wrong with the text is told in upstream's words. */
export function compileClaims(text: string, result: 'bool' | 'any' = 'any'): CompiledText<Claims> | { readonly error: string } {
  environments.claims ??= kubernetesEnvironment({ variables: { claims: claimsType } })
  return compiled(text, {
    environment: environments.claims,
    variable: 'claims',
    type: claimsType,
    ...(result === 'bool' ? { result: bool } : {}),
  })
}

/** `user` is the expression's variable; it says yes or no. */
export function compileUser(text: string): CompiledText<JudgedUser> | { readonly error: string } {
  environments.user ??= kubernetesEnvironment({ variables: { user: userType } })
  return compiled(text, { environment: environments.user, variable: 'user', type: userType, result: bool })
}

type Scope = { readonly environment: Environment; readonly variable: string; readonly type: CelType; readonly result?: CelType }

function compiled<T>(text: string, { environment, variable, type, result }: Scope): CompiledText<T> | { readonly error: string } {
  const { program, issues } = compileCel(environment, text)
  if (!program) return { error: `compilation failed: ${describeIssues(text, issues)}` }
  if (result && program.type.kind !== result.kind) return { error: `must evaluate to ${result.kind}` }
  return {
    expr: program.expr,
    evaluate: (input) => {
      try {
        const { value, error } = program.evaluate({ [variable]: fromJson(input, type) })
        if (error) return { error: `expression '${text}' resulted in error: ${error.message}` }
        return { value: toJson(value) }
      } catch (error) {
        if (error instanceof EvaluationError) return { error: error.message }
        throw error
      }
    },
  }
}

/** Whether an expression looks at `claims.NAME` anywhere. */
export function usesClaim(expr: Expr, name: string): boolean {
  const isClaims = (operand: Expr) => operand.kind === 'identifier' && operand.name === 'claims'
  const any = (parts: readonly Expr[]) => parts.some((part) => usesClaim(part, name))
  switch (expr.kind) {
    case 'select':
      return (isClaims(expr.operand) && expr.field === name) || usesClaim(expr.operand, name)
    case 'call': {
      const [of, field] = expr.args
      const isOptional = expr.name === operators.optionalSelect && of !== undefined && isClaims(of)
      if (isOptional && field?.kind === 'constant' && field.value === name) return true
      return any(expr.target ? [expr.target, ...expr.args] : expr.args)
    }
    case 'list':
      return any(expr.elements)
    case 'map':
      return any(expr.entries.flatMap(({ key, value }) => [key, value]))
    case 'struct':
      return any(expr.fields.map(({ value }) => value))
    case 'comprehension':
      return any([expr.range, expr.init, expr.condition, expr.step, expr.result])
    default:
      return false
  }
}
