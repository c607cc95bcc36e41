import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { EvaluationError } from './evaluation-error.ts'

/** Regular expressions with the syntax and the linear time of RE2, which JavaScript's own have not. */

/** Loaded with the first pattern: its tables would take 10 ms of every start, and few servers meet a pattern at once. */
const load = createRequire(import.meta.url)
const engine = (): typeof RE2JS => (load('re2js') as typeof import('re2js')).RE2JS

const patternsMax = 500
const patterns = new Map<string, RE2JS>()

/** Throws EvaluationError for a pattern that RE2 does not know. */
export function regexOf(pattern: string): RE2JS {
  const known = patterns.get(pattern)
  if (known) return known
  let compiled: RE2JS
  try {
    compiled = engine().compile(pattern)
  } catch (error) {
    throw new EvaluationError((error as Error).message)
  }
  if (patterns.size >= patternsMax) patterns.clear()
  patterns.set(pattern, compiled)
  return compiled
}

export function matches(text: string, pattern: string): boolean {
  return regexOf(pattern).matcher(text).find()
}

/** The texts that a pattern finds, one after the other, at most `limit`. */
export function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = regexOf(pattern).matcher(text)
  const found: string[] = []
  let endOfLast = -1
  while (found.length < limit && matcher.find()) {
    // As Go has it: nothing, right where the last one ended, is none.
    if (matcher.end() > matcher.start() || matcher.start() !== endOfLast) found.push(matcher.group() ?? '')
    endOfLast = matcher.end()
  }
  return found
}
