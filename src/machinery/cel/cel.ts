import { check } from './checker.ts'
import { type CelType, isDynamic, sameType, typeText } from './cel-type.ts'
import type { Expr } from './ast.ts'
import { checkLiterals } from './literal-checks.ts'
import type { Environment } from './environment.ts'
import { EvaluationError, restoreSteps, startSteps } from './evaluation-error.ts'
import { formatIssues, type Issue } from './issues.ts'
import { SyntaxIssue } from './lexer.ts'
import { parse } from './parser.ts'
import { compileCode } from './program.ts'
import { Frame } from './selection.ts'
import type { Value } from './value.ts'

/**
 * The Common Expression Language for the API server (https://kubernetes.io/docs/reference/using-api/cel/).
 *
 * 1. An environment says what names mean: `kubernetesEnvironment({ variables })` (kubernetes-environment.ts) has Kubernetes' libraries
 *    (and is shared below: a new set of variables costs nothing), `celEnvironment` (environment.ts) any others. Types of variables are
 *    CelType (cel-type.ts); from a structural schema, `schemaType` (schema-type.ts).
 * 2. `compileCel(environment, text, { results })` parses, checks and compiles, once. What is wrong with the text comes back as issues
 *    with cel-go's words; `describeIssues` makes them the text that upstream puts behind `compilation failed: `.
 * 3. `program.evaluate(bindings, { costMax })` runs it. Bindings are values: JSON is wrapped, not copied, by `fromJson(json, type)`
 *    (json-value.ts), and results go back by `toJson`. An error of the evaluation is a value too: `{ error, cost }`.
 *
 * Variables that are computed on demand (a policy's `variables`) are a `lazyStruct` (value.ts) of an object type. Types that expressions
 * may construct (`JSONPatch{op: "add"}`) are given to the environment as `structs`; what is made of them is a CelStruct, read with `get`.
 * The authorizer is a value made by `authorizerValue` (authorizer.ts) around an interface.
 */
export type CelProgram = {
  readonly text: string
  readonly expr: Expr
  /** Of the result. */
  readonly type: CelType
  /** Types of all nodes by id, for estimates of costs. */
  readonly types: ReadonlyMap<number, CelType>
  readonly overloads: ReadonlyMap<number, readonly { readonly id: string; readonly name: string }[]>
  /** Never throws. `costMax` is in cel-go's units; absent: `perCallCostMax`. A variable without a binding is an error where it is used. */
  evaluate(bindings: Readonly<Record<string, Value | undefined>>, options?: { readonly costMax?: number }): Evaluation
}

export type Evaluation =
  | { readonly value: Value; readonly error?: undefined; readonly cost: number }
  | { readonly value?: undefined; readonly error: EvaluationError; readonly cost: number }

export type Compiled =
  | { readonly program: CelProgram; readonly issues?: undefined }
  | { readonly program?: undefined; readonly issues: readonly Issue[] }

/** What one evaluation may cost (upstream's PerCallLimit), in cel-go's units of about 50 ns. */
export const perCallCostMax = 1_000_000

/** `results`: the types that the expression may have; absent: any. `isExact`: a dynamic type is none of them. `isUnchecked` leaves out the check of types. */
export function compileCel(
  environment: Environment,
  text: string,
  options: { readonly results?: readonly CelType[]; readonly isExact?: boolean; readonly isUnchecked?: boolean } = {},
): Compiled {
  let expr: Expr
  try {
    expr = parse(text, environment.macros)
  } catch (error) {
    if (error instanceof SyntaxIssue) return { issues: [error.issue] }
    throw error
  }
  const checked = options.isUnchecked ? undefined : check(environment, expr)
  if (checked && checked.issues.length > 0) return { issues: checked.issues }
  const wrong = checked && !environment.allowsMixedLiterals ? checkLiterals(expr, checked.types) : []
  if (wrong.length > 0) return { issues: wrong }
  if (checked && !hasResult(checked.type, options)) return { issues: [wrongResult(options.results ?? [], checked.type)] }
  const { code, slots } = compileCode(environment, expr, checked)
  const evaluate: CelProgram['evaluate'] = (bindings, { costMax = perCallCostMax } = {}) => {
    const frame = new Frame(new Array<undefined>(slots).fill(undefined), costMax)
    for (const [name, slot] of environment.slots) frame.slots[slot] = bindings[name]
    const before = startSteps()
    try {
      return { value: code(frame), cost: frame.cost }
    } catch (error) {
      if (error instanceof EvaluationError) return { error, cost: frame.cost }
      throw error
    } finally {
      restoreSteps(before)
    }
  }
  const type = checked?.type ?? { kind: 'dyn' as const }
  const program = { text, expr, type, types: checked?.types ?? new Map(), overloads: checked?.overloads ?? new Map(), evaluate }
  return { program }
}

function hasResult(type: CelType, { results, isExact }: { readonly results?: readonly CelType[]; readonly isExact?: boolean }): boolean {
  return !results || (isDynamic(type) && !isExact) || results.some((result) => isDynamic(result) || sameType(result, type))
}

/** Upstream's words, which belong to no place in the text. */
function wrongResult(results: readonly CelType[], type: CelType): Issue {
  const names = results.map(typeText)
  const wanted = names.length === 1 ? names[0] : `one of [${names.join(' ')}]`
  const message = `must evaluate to ${wanted} but got ${typeText(type)}`
  return { at: -1, message }
}

/** The issues of a text as cel-go prints them. */
export function describeIssues(text: string, issues: readonly Issue[]): string {
  const [first] = issues
  return first?.at === -1 ? first.message : formatIssues(text, issues)
}
