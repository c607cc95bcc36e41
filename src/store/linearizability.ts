/**
 * Whether what clients saw of one key can be explained by one order of its operations, each taking effect at a moment between its
 * call and its answer (Herlihy and Wing 1990; the search is that of Wing and Gong with Lowe's memory). For tests. Pure.
 *
 * Every write of a history has a value of its own, so that a value says which write it came from.
 */
export type RegisterOperation = {
  readonly calledAt: number
  /** Infinity for an outcome that is not known: it may take effect at any time after the call, or never. */
  readonly returnedAt: number
  readonly input:
    | { readonly type: 'get' }
    | { readonly type: 'put'; readonly value: string; readonly expected: RegisterExpectation }
    | { readonly type: 'delete'; readonly expected: Exclude<RegisterExpectation, 'absent'> }
  readonly output:
    | { readonly type: 'found'; readonly value: string | undefined }
    | { readonly type: 'committed' }
    /** `value`: what stood in the way. */
    | { readonly type: 'conflict'; readonly value: string | undefined }
    | { readonly type: 'unknown' }
}

/** `value`: what was read before, by whose revision the write was conditional. */
export type RegisterExpectation = 'any' | 'absent' | { readonly value: string }

/** The key is absent at first. Gives the operations that no order explains, as far as the search came; empty when one was found. */
export function unexplained(history: readonly RegisterOperation[]): readonly RegisterOperation[] {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt)
  const wanted = operations.reduce((mask, { output }, i) => (output.type === 'unknown' ? mask : mask | (1n << BigInt(i))), 0n)
  const seen = new Set<string>()
  const waiting: { readonly done: bigint; readonly value: string | undefined }[] = [{ done: 0n, value: undefined }]
  let best = 0n
  while (waiting.length > 0) {
    const { done, value } = waiting.pop()!
    if ((done & wanted) === wanted) return []
    if (count(done) > count(best)) best = done
    for (const i of candidates(operations, done)) {
      const next = after(value, operations[i]!)
      if (!next) continue
      const state = { done: done | (1n << BigInt(i)), value: next.value }
      const known = `${state.done.toString(36)} ${state.value ?? ''}`
      if (seen.has(known)) continue
      seen.add(known)
      waiting.push(state)
    }
  }
  return operations.filter((_, i) => (best & (1n << BigInt(i))) === 0n)
}

/** Those that may come next: called before any other that is left has answered. */
function candidates(operations: readonly RegisterOperation[], done: bigint): number[] {
  const left = operations.flatMap((_, i) => ((done & (1n << BigInt(i))) === 0n ? [i] : []))
  const firstAnswer = left.reduce((least, i) => Math.min(least, operations[i]!.returnedAt), Number.POSITIVE_INFINITY)
  return left.filter((i) => operations[i]!.calledAt <= firstAnswer)
}

/** The key's value after an operation; undefined when the operation cannot have happened then with this answer. */
function after(value: string | undefined, { input, output }: RegisterOperation): { readonly value: string | undefined } | undefined {
  if (input.type === 'get') return output.type === 'found' && output.value === value ? { value } : undefined
  const holds = expectationHolds(value, input)
  if (output.type === 'conflict') return !holds && output.value === value ? { value } : undefined
  if (!holds) return undefined
  return { value: input.type === 'put' ? input.value : undefined }
}

function expectationHolds(value: string | undefined, input: Exclude<RegisterOperation['input'], { type: 'get' }>): boolean {
  if (input.type === 'delete' && value === undefined) return false
  if (input.expected === 'any') return true
  if (input.expected === 'absent') return value === undefined
  return value === input.expected.value
}

function count(mask: bigint): number {
  let bits = 0
  for (let rest = mask; rest > 0n; rest &= rest - 1n) bits++
  return bits
}
