import { goEscapes } from '../go-text.ts'
import type { Library } from './environment.ts'
import { EvaluationError, spendSteps } from './evaluation-error.ts'
import { type Overload, overload } from './overload.ts'
import { findAll, regexOf } from './regex.ts'
import { sizeOf, traversal } from './size.ts'
import { formatText } from './string-format.ts'
import { ArrayList, type CelList, type Value } from './value.ts'

/**
 * Functions of strings (https://pkg.go.dev/github.com/google/cel-go/ext#Strings) and Kubernetes' `find` and `findAll`. Places count
 * code points.
 */
export const stringLibrary = (): Library => ({ overloads: [...searching(), ...changing(), ...finding()] })

/** What Go takes for space, around a text. */
const spaces =
  /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g
const walk = (text: string) => traversal(sizeOf(text))
const walkAndBuild = (text: string) => Math.ceil(sizeOf(text) * 0.2)
const lengthMax = 64 * 1024 * 1024

function bounded(text: () => string, length: number): string {
  if (length > lengthMax) throw new EvaluationError('operation cancelled: actual cost limit exceeded', { isCostExceeded: true })
  spendSteps(Math.ceil(length / 16))
  return text()
}

function place(text: readonly string[], at: bigint): number {
  if (at < 0n || at > BigInt(text.length)) throw new EvaluationError(`index out of range: ${at}`)
  return Number(at)
}

/** The place of the first (or last) part at or after (before) a place; -1 for none. All in code points. */
function placeOf(text: string, part: string, at: bigint | undefined, isLast: boolean): bigint {
  const chars = Array.from(text)
  const from = at === undefined ? (isLast ? chars.length : 0) : place(chars, at)
  const units = chars.slice(0, from).join('').length
  const found = isLast ? text.lastIndexOf(part, units) : text.indexOf(part, units)
  return found < 0 ? -1n : BigInt(Array.from(text.slice(0, found)).length)
}

function searching(): Overload[] {
  const cost = walk
  return [
    overload(
      'string.charAt(int): string',
      (text: string, at: bigint) => {
        const chars = Array.from(text)
        return chars[place(chars, at)] ?? ''
      },
      {},
    ),
    overload('string.indexOf(string): int', (text: string, part: string) => placeOf(text, part, undefined, false), { cost }),
    overload('string.indexOf(string, int): int', (text: string, part: string, at: bigint) => placeOf(text, part, at, false), { cost }),
    overload('string.lastIndexOf(string): int', (text: string, part: string) => placeOf(text, part, undefined, true), { cost }),
    overload('string.lastIndexOf(string, int): int', (text: string, part: string, at: bigint) => placeOf(text, part, at, true), { cost }),
  ]
}

const ascii = (pattern: RegExp, change: (ch: string) => string) => (text: string) => text.replace(pattern, change)

function changing(): Overload[] {
  return [
    overload(
      'string.lowerAscii(): string',
      ascii(/[A-Z]+/g, (ch) => ch.toLowerCase()),
      { cost: walk },
    ),
    overload(
      'string.upperAscii(): string',
      ascii(/[a-z]+/g, (ch) => ch.toUpperCase()),
      { cost: walk },
    ),
    overload('string.trim(): string', (text: string) => text.replace(spaces, ''), { cost: walk }),
    overload('string.replace(string, string): string', (text: string, from: string, to: string) => replaced(text, from, to, -1n), {
      cost: walkAndBuild,
    }),
    overload('string.replace(string, string, int): string', replaced, { cost: walkAndBuild }),
    overload('string.split(string): list<string>', (text: string, by: string) => split(text, by, -1n), { cost: walkAndBuild }),
    overload('string.split(string, int): list<string>', split, { cost: walkAndBuild }),
    overload('string.substring(int): string', (text: string, from: bigint) => substring(text, from, undefined), { cost: walk }),
    overload('string.substring(int, int): string', substring, { cost: walk }),
    overload('list<string>.join(): string', (list: CelList) => join(list, ''), { cost: joinCost }),
    overload('list<string>.join(string): string', join, { cost: joinCost }),
    overload('string.format(list<dyn>): string', (text: string, args: CelList) => formatText(text, args), { cost: walk }),
    overload('strings.quote(string): string', quoted, { cost: walk }),
  ]
}

function replaced(text: string, from: string, to: string, limit: bigint): string {
  if (limit === 0n) return text
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from)
  const most = limit < 0n ? parts.length - 1 : Math.min(Number(limit), parts.length - 1)
  return bounded(
    () => {
      const kept = parts.slice(most)
      return [...parts.slice(0, most), kept.join(from)].join(to)
    },
    text.length + most * to.length,
  )
}

function split(text: string, by: string, limit: bigint): CelList {
  if (limit === 0n) return new ArrayList([])
  const parts = by === '' ? Array.from(text) : text.split(by)
  if (limit < 0n || BigInt(parts.length) <= limit) return new ArrayList(parts)
  const most = Number(limit) - 1
  return new ArrayList([...parts.slice(0, most), parts.slice(most).join(by)])
}

function substring(text: string, from: bigint, to: bigint | undefined): string {
  const chars = Array.from(text)
  const start = place(chars, from)
  const end = to === undefined ? chars.length : place(chars, to)
  if (start > end) throw new EvaluationError(`invalid substring range. start: ${from}, end: ${to}`)
  return chars.slice(start, end).join('')
}

function join(list: CelList, by: string): string {
  return bounded(() => textsOf(list).join(by), joinLength(list, by))
}

function textsOf(list: CelList): string[] {
  return Array.from({ length: list.size }, (_, i) => {
    const item = list.at(i)
    if (typeof item !== 'string') throw new EvaluationError('no such overload')
    return item
  })
}

function joinLength(list: CelList, by: string): number {
  let length = Math.max(list.size - 1, 0) * by.length
  for (let i = 0; i < list.size; i++) {
    const item = list.at(i)
    if (typeof item === 'string') length += item.length
  }
  return length
}

const joinCost = (list: CelList, by = '') => Math.ceil(joinLength(list, by) * 0.2)

const quotedAs: Readonly<Record<string, string>> = { ...goEscapes, '\\': '\\\\', '"': '\\"' }

function quoted(text: string): string {
  return `"${Array.from(text.toWellFormed(), (ch) => quotedAs[ch] ?? ch).join('')}"`
}

function finding(): Overload[] {
  const cost = (text: string, pattern: string) => traversal(sizeOf(text) + 1) * Math.ceil(sizeOf(pattern) * 0.25)
  return [
    overload(
      'string.find(string): string',
      (text: string, pattern: string) => {
        const matcher = regexOf(pattern).matcher(text)
        return matcher.find() ? (matcher.group() ?? '') : ''
      },
      { cost },
    ),
    overload('string.findAll(string): list<string>', (text: string, pattern: string) => found(text, pattern, -1n), { cost }),
    overload('string.findAll(string, int): list<string>', found, { cost }),
  ]
}

function found(text: string, pattern: string, limit: bigint): Value {
  return new ArrayList(findAll(text, pattern, limit < 0n ? Number.POSITIVE_INFINITY : Number(limit)))
}
