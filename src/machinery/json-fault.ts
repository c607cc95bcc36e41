/**
 * What is wrong with a text that is no JSON, in the words of Go's decoder, which clients know. Only asked about texts that the
 * engine refused: a plain walk, character by character, as deep as the text nests but without recursion.
 */
export function jsonFault(text: string): string {
  const scanner: Scanner = { open: [], step: 'value' }
  for (const ch of text) {
    const why = advance(scanner, ch)
    if (why !== undefined) return `invalid character ${quoted(ch)} ${why}`
  }
  return 'unexpected end of JSON input'
}

type Step =
  | 'value'
  | 'firstValueOrEnd'
  | 'firstKeyOrEnd'
  | 'key'
  | 'afterKey'
  | 'afterValue'
  | 'string'
  | 'escape'
  | 'unicode'
  | 'minus'
  | 'zero'
  | 'digits'
  | 'dot'
  | 'fraction'
  | 'exponent'
  | 'exponentSign'
  | 'exponentDigits'
  | 'literal'

/** `rest`: what is still to come of a literal or of an escaped code; `isKey`: the string being read is a field's name. */
type Scanner = { readonly open: ('{' | '[')[]; step: Step; rest?: string; word?: string; isKey?: boolean }

const isSpace = (ch: string) => ch === ' ' || ch === '\t' || ch === '\n' || ch === '\r'
const isDigit = (ch: string) => ch >= '0' && ch <= '9'
const words: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }

/** Undefined while the text may still become JSON; else what the character is invalid for. */
function advance(scanner: Scanner, ch: string): string | undefined {
  switch (scanner.step) {
    case 'value':
      return isSpace(ch) ? undefined : beginValue(scanner, ch)
    case 'firstValueOrEnd':
      if (isSpace(ch)) return undefined
      return ch === ']' ? end(scanner) : beginValue(scanner, ch)
    case 'firstKeyOrEnd':
      if (ch === '}') return end(scanner)
      return beginKey(scanner, ch)
    case 'key':
      return beginKey(scanner, ch)
    case 'afterKey':
      if (isSpace(ch)) return undefined
      if (ch !== ':') return 'after object key'
      scanner.step = 'value'
      return undefined
    case 'afterValue':
      return isSpace(ch) ? undefined : afterValue(scanner, ch)
    case 'literal':
      return inLiteral(scanner, ch)
    default:
      return scanner.step === 'string' || scanner.step === 'escape' || scanner.step === 'unicode'
        ? inString(scanner, ch)
        : inNumber(scanner, ch)
  }
}

function beginValue(scanner: Scanner, ch: string): string | undefined {
  scanner.isKey = false
  if (ch === '{' || ch === '[') {
    scanner.open.push(ch)
    scanner.step = ch === '{' ? 'firstKeyOrEnd' : 'firstValueOrEnd'
  } else if (ch === '"') scanner.step = 'string'
  else if (ch === '-') scanner.step = 'minus'
  else if (ch === '0') scanner.step = 'zero'
  else if (isDigit(ch)) scanner.step = 'digits'
  else if (words[ch] !== undefined) {
    scanner.step = 'literal'
    scanner.word = words[ch]
    scanner.rest = words[ch].slice(1)
  } else return 'looking for beginning of value'
  return undefined
}

function beginKey(scanner: Scanner, ch: string): string | undefined {
  if (isSpace(ch)) return undefined
  if (ch !== '"') return 'looking for beginning of object key string'
  scanner.step = 'string'
  scanner.isKey = true
  return undefined
}

function end(scanner: Scanner): undefined {
  scanner.open.pop()
  scanner.step = 'afterValue'
}

function afterValue(scanner: Scanner, ch: string): string | undefined {
  const open = scanner.open.at(-1)
  if (open === undefined) return 'after top-level value'
  if (ch === (open === '{' ? '}' : ']')) return end(scanner)
  if (ch !== ',') return open === '{' ? 'after object key:value pair' : 'after array element'
  scanner.step = open === '{' ? 'key' : 'value'
  return undefined
}

function inLiteral(scanner: Scanner, ch: string): string | undefined {
  const { rest = '', word = '' } = scanner
  if (ch !== rest[0]) return `in literal ${word} (expecting ${quoted(rest[0] ?? '')})`
  scanner.rest = rest.slice(1)
  if (scanner.rest === '') scanner.step = 'afterValue'
  return undefined
}

const escapes = new Set('bfnrt\\/"')

function inString(scanner: Scanner, ch: string): string | undefined {
  if (scanner.step === 'escape') {
    if (ch === 'u') {
      scanner.step = 'unicode'
      scanner.rest = '0000'
    } else if (escapes.has(ch)) scanner.step = 'string'
    else return 'in string escape code'
  } else if (scanner.step === 'unicode') {
    if (!/^[0-9a-fA-F]$/.test(ch)) return 'in \\u hexadecimal character escape'
    scanner.rest = (scanner.rest ?? '').slice(1)
    if (scanner.rest === '') scanner.step = 'string'
  } else if (ch === '"') scanner.step = scanner.isKey ? 'afterKey' : 'afterValue'
  else if (ch === '\\') scanner.step = 'escape'
  else if (ch < ' ') return 'in string literal'
  return undefined
}

/** Where a number may go from each of its steps; a step that is no end of a number says why it must go on. */
const numbers: Readonly<
  Partial<Record<Step, { readonly digit?: Step; readonly why?: string; readonly marks?: Readonly<Record<string, Step>> }>>
> = {
  minus: { digit: 'digits', why: 'in numeric literal' },
  zero: { marks: { '.': 'dot', e: 'exponent', E: 'exponent' } },
  digits: { digit: 'digits', marks: { '.': 'dot', e: 'exponent', E: 'exponent' } },
  dot: { digit: 'fraction', why: 'after decimal point in numeric literal' },
  fraction: { digit: 'fraction', marks: { e: 'exponent', E: 'exponent' } },
  exponent: { digit: 'exponentDigits', why: 'in exponent of numeric literal', marks: { '+': 'exponentSign', '-': 'exponentSign' } },
  exponentSign: { digit: 'exponentDigits', why: 'in exponent of numeric literal' },
  exponentDigits: { digit: 'exponentDigits' },
}

function inNumber(scanner: Scanner, ch: string): string | undefined {
  const { digit, why, marks } = numbers[scanner.step]!
  const next = scanner.step === 'minus' && ch === '0' ? 'zero' : isDigit(ch) ? digit : marks?.[ch]
  if (next === undefined && why !== undefined) return why
  scanner.step = next ?? 'afterValue'
  return next === undefined ? advance(scanner, ch) : undefined
}

function quoted(ch: string): string {
  if (ch === "'") return `'\\''`
  if (ch === '"') return `'"'`
  return `'${JSON.stringify(ch).slice(1, -1)}'`
}
