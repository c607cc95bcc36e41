import { type Issue } from './issues.ts'
import { unescapeLiteral } from './literal.ts'
import type { Value } from './value.ts'

/** `text` is what was written; `value` what a literal means. */
export type Token = { readonly type: TokenType; readonly text: string; readonly at: number; readonly value?: Value }
export type TokenType = 'identifier' | 'quoted' | 'literal' | 'operator' | 'end'

/** A text that is no expression. */
export class SyntaxIssue extends Error {
  override name = 'SyntaxIssue'
  readonly issue: Issue

  constructor(at: number, message: string) {
    super(message)
    this.issue = { at, message }
  }
}

const spaces = /(?:[ \t\r\n\f]+|\/\/[^\n]*)+/y
const words = /[_a-zA-Z][_a-zA-Z0-9]*/y
const quotedWords = /`[a-zA-Z0-9_.\-/ ]+`/y
const numbers = /0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?/y
const literalStarts = /(?:[rR][bB]?|[bB][rR]?)?(?:"""|'''|"|')/y
const signs = /&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()[\]{}]/y

/** Splits a text into tokens; the last is `end`. Throws SyntaxIssue. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at += match(spaces, text, at).length
    if (at >= text.length) break
    const token = nextToken(text, at)
    tokens.push(token)
    at += token.text.length
  }
  tokens.push({ type: 'end', text: '<EOF>', at: text.length })
  return tokens
}

function nextToken(text: string, at: number): Token {
  const start = match(literalStarts, text, at)
  if (start !== '') return literalToken(text, at, start)
  const word = match(words, text, at)
  if (word !== '') return { type: 'identifier', text: word, at }
  const number = match(numbers, text, at)
  if (number !== '') return { type: 'literal', text: number, at }
  const quoted = match(quotedWords, text, at)
  if (quoted !== '') return { type: 'quoted', text: quoted, at }
  const sign = match(signs, text, at)
  if (sign !== '') return { type: 'operator', text: sign, at }
  const wrong = String.fromCodePoint(text.codePointAt(at) ?? 0)
  throw new SyntaxIssue(at, `Syntax error: token recognition error at: '${wrong}'`)
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function literalToken(text: string, at: number, start: string): Token {
  const prefix = /^[a-zA-Z]*/.exec(start)![0].toLowerCase()
  const quote = start.slice(prefix.length)
  const isRaw = prefix.includes('r')
  const from = at + start.length
  const to = closingQuote(text, from, { quote, isRaw })
  if (to < 0) throw new SyntaxIssue(at, `Syntax error: token recognition error at: '${text.slice(at).split('\n')[0]}'`)
  const body = text.slice(from, to)
  const value = unescapeLiteral(body, { isRaw, isBytes: prefix.includes('b') })
  if (typeof value === 'object' && value !== null && 'problem' in value) throw new SyntaxIssue(at, value.problem)
  return { type: 'literal', text: text.slice(at, to + quote.length), at, value }
}

function closingQuote(text: string, from: number, { quote, isRaw }: { readonly quote: string; readonly isRaw: boolean }): number {
  for (let i = from; i < text.length; i++) {
    if (text.startsWith(quote, i)) return i
    const ch = text[i]
    if (quote.length === 1 && (ch === '\n' || ch === '\r')) return -1
    if (ch === '\\' && !isRaw) i++
  }
  return -1
}
