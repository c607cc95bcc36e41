import { type Expr, type MapEntry, operators, qualifiedName, type StructField } from './ast.ts'
import { type Token, SyntaxIssue, tokenize } from './lexer.ts'
import { expandMacro, type Macros, type NodeFactory } from './macros.ts'
import { CelUint, int64Max, uint64Max, type Value } from './value.ts'

/**
 * A parser of the Common Expression Language (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax), by descent.
 *
 * Invariants:
 * 1. Nesting is bounded, so that whatever walks an expression may recurse.
 * 2. Chains of `&&` and `||` become balanced trees: their depth is the logarithm of their length.
 * 3. Macros are expanded here: nothing behind the parser knows them.
 */

const textLengthMax = 100_000
const depthMax = 250
const chainMax = 1_000

const reserved = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '))
const keywords = new Set(['in', 'true', 'false', 'null'])

/** What may stand where an expression is looked for; `more` are the brackets and commas that may stand there, too. */
function expectedTokens(more: readonly string[] = []): string {
  const signs = ["'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'", "'!'", "'?'"]
  const always = new Set(["'['", "'{'", "'('", "'.'", "'-'", "'!'"])
  const shown = signs.filter((sign) => always.has(sign) || more.includes(sign))
  return `{${shown.join(', ')}, 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`
}

/** Throws SyntaxIssue at the first thing that is wrong. */
export function parse(text: string, macros: Macros): Expr {
  if (text.length > textLengthMax)
    throw new SyntaxIssue(0, `expression code point size exceeds limit: size: ${text.length}, limit ${textLengthMax}`)
  return new Parser(tokenize(text), macros).parseAll()
}

class Parser {
  private index = 0
  private depth = 0
  /** Signs that may stand at this token beside the start of an expression. */
  private alsoExpected: { readonly index: number; readonly signs: readonly string[] } = { index: -1, signs: [] }
  private lastId = 0
  private readonly tokens: readonly Token[]
  private readonly macros: Macros
  private readonly factory: NodeFactory

  constructor(tokens: readonly Token[], macros: Macros) {
    this.tokens = tokens
    this.macros = macros
    this.factory = { node: (at) => ({ id: ++this.lastId, at }) }
  }

  parseAll(): Expr {
    const expr = this.expression()
    if (this.token.type !== 'end') throw this.unexpected('<EOF>')
    return expr
  }

  private get token(): Token {
    return this.tokens[this.index]!
  }

  private node(at: number) {
    return this.factory.node(at)
  }

  private take(): Token {
    return this.tokens[this.index++]!
  }

  private peek(sign: string): boolean {
    return this.token.type === 'operator' && this.token.text === sign
  }

  /** An expression, or one of these signs. */
  private orSigns(...signs: readonly string[]): void {
    this.alsoExpected = { index: this.index, signs }
  }

  private accept(sign: string): Token | undefined {
    return this.peek(sign) ? this.take() : undefined
  }

  private expect(sign: string): Token {
    const token = this.accept(sign)
    if (!token) throw this.unexpected(`'${sign}'`)
    return token
  }

  private unexpected(wanted: string): SyntaxIssue {
    const { text, at, type } = this.token
    // A single token too many is called that; upstream's parser looks one token ahead.
    const isLast = this.tokens[this.index + 1]?.type === 'end'
    const kind = (wanted === '<EOF>' ? isLast : wanted.startsWith("'") && type !== 'end') ? 'extraneous' : 'mismatched'
    return new SyntaxIssue(at, `Syntax error: ${kind} input '${text}' expecting ${wanted}`)
  }

  private expression(): Expr {
    if (++this.depth > depthMax) throw new SyntaxIssue(this.token.at, `expression recursion limit exceeded: ${depthMax}`)
    const condition = this.chain('||', () => this.chain('&&', () => this.relation()))
    const question = this.accept('?')
    let result = condition
    if (question) {
      const yes = this.chain('||', () => this.chain('&&', () => this.relation()))
      this.expect(':')
      const no = this.expression()
      result = this.call(question, operators.conditional, [condition, yes, no])
    }
    this.depth--
    return result
  }

  private call({ at }: { readonly at: number }, name: string, args: readonly Expr[], target?: Expr): Expr {
    return { kind: 'call', ...this.node(at), name, target, args }
  }

  private chain(sign: '||' | '&&', next: () => Expr): Expr {
    const terms = [next()]
    const signs: Token[] = []
    for (let token = this.accept(sign); token; token = this.accept(sign)) {
      signs.push(token)
      terms.push(next())
    }
    const join = (from: number, to: number): Expr => {
      if (from === to) return terms[from]!
      const middle = Math.floor((from + to - 1) / 2)
      return this.call(signs[middle]!, `_${sign}_`, [join(from, middle), join(middle + 1, to)])
    }
    return join(0, terms.length - 1)
  }

  private relation(): Expr {
    return this.leftToRight(['<=', '>=', '==', '!=', '<', '>', 'in'], () =>
      this.leftToRight(['+', '-'], () => this.leftToRight(['*', '/', '%'], () => this.unary())),
    )
  }

  private leftToRight(signs: readonly string[], next: () => Expr): Expr {
    let left = next()
    for (let count = 0; ; count++) {
      const { type, text } = this.token
      const isSign = (type === 'operator' || text === 'in') && type !== 'literal' && signs.includes(text)
      if (!isSign) return left
      this.boundChain(count)
      const token = this.take()
      left = this.call(token, text === 'in' ? operators.in : `_${text}_`, [left, next()])
    }
  }

  private boundChain(count: number): void {
    if (count >= chainMax) throw new SyntaxIssue(this.token.at, `expression recursion limit exceeded: ${chainMax}`)
  }

  private unary(): Expr {
    const sign = this.peek('!') ? '!' : this.peek('-') ? '-' : ''
    if (sign === '') return this.member()
    const first = this.token
    let count = 0
    for (; this.peek(sign); this.take()) count++
    const { type, text } = this.token
    if (sign === '-' && type === 'literal' && /^[.\d]/.test(text)) return this.negativeNumber(first, count)
    const operand = this.member()
    return count % 2 === 0 ? operand : this.call(first, sign === '!' ? operators.not : operators.negate, [operand])
  }

  /** The last minus is part of the number: without it, the smallest of all could not be written. */
  private negativeNumber(first: Token, count: number): Expr {
    const number = this.take()
    const literal: Expr = { kind: 'constant', ...this.node(number.at), value: numberValue(number, '-') }
    const operand = this.suffixes(literal)
    return count % 2 === 1 ? operand : this.call(first, operators.negate, [operand])
  }

  private member(): Expr {
    return this.suffixes(this.primary())
  }

  private suffixes(start: Expr): Expr {
    let expr = start
    for (let count = 0; ; count++) {
      this.boundChain(count)
      if (this.peek('.')) expr = this.selection(expr)
      else if (this.peek('[')) expr = this.indexing(expr)
      else if (this.peek('{')) {
        const type = qualifiedName(expr)
        if (type === undefined) return expr
        expr = this.struct(type)
      } else return expr
    }
  }

  private selection(operand: Expr): Expr {
    const dot = this.take()
    const isOptional = this.accept('?') !== undefined
    const name = this.token
    if (name.type === 'quoted') {
      this.take()
      const field = name.text.slice(1, -1)
      if (isOptional) return this.optionalSelect(dot, operand, field, name.at)
      return { kind: 'select', ...this.node(dot.at), operand, field, isTest: false }
    }
    if (name.type !== 'identifier' || keywords.has(name.text)) throw this.mismatchedName()
    this.take()
    if (isOptional) return this.optionalSelect(dot, operand, name.text, name.at)
    const open = this.accept('(')
    if (!open) return { kind: 'select', ...this.node(dot.at), operand, field: name.text, isTest: false }
    return this.callOrMacro(open, name.text, this.items(')'), operand)
  }

  private mismatchedName(): SyntaxIssue {
    const { text, at, type } = this.token
    if (type === 'end') return new SyntaxIssue(at, `Syntax error: no viable alternative at input '.'`)
    return new SyntaxIssue(at, `Syntax error: mismatched input '${text}' expecting IDENTIFIER`)
  }

  private optionalSelect(dot: Token, operand: Expr, field: string, at: number): Expr {
    return this.call(dot, operators.optionalSelect, [operand, { kind: 'constant', ...this.node(at), value: field }])
  }

  private callOrMacro(open: Token, name: string, args: readonly Expr[], target?: Expr): Expr {
    const call = { at: open.at, name, args, target }
    return expandMacro(this.macros, call, this.factory) ?? this.call(open, name, args, target)
  }

  private indexing(operand: Expr): Expr {
    const open = this.take()
    const isOptional = this.accept('?') !== undefined
    const index = this.expression()
    this.expect(']')
    return this.call(open, isOptional ? operators.optionalIndex : operators.index, [operand, index])
  }

  private primary(): Expr {
    const token = this.token
    switch (token.type) {
      case 'literal':
        this.take()
        return {
          kind: 'constant',
          ...this.node(token.at),
          value: token.value === undefined ? numberValue(token, '') : token.value,
        }
      case 'identifier':
        return this.identifier('')
      case 'operator':
        return this.bracketed(token)
      default:
        throw this.noExpression()
    }
  }

  private noExpression(): SyntaxIssue {
    const { text, at } = this.token
    const more = this.alsoExpected.index === this.index ? this.alsoExpected.signs : []
    return new SyntaxIssue(at, `Syntax error: mismatched input '${text}' expecting ${expectedTokens(more)}`)
  }

  private bracketed(token: Token): Expr {
    switch (token.text) {
      case '(': {
        this.take()
        const expr = this.expression()
        this.expect(')')
        return expr
      }
      case '[':
        return this.list()
      case '{':
        return this.map()
      case '.':
        this.take()
        if (this.token.type !== 'identifier') throw this.mismatchedName()
        return this.identifier('.')
      default:
        throw this.noExpression()
    }
  }

  private identifier(dot: '' | '.'): Expr {
    const token = this.take()
    const { text, at } = token
    if (dot === '' && (text === 'true' || text === 'false')) return { kind: 'constant', ...this.node(at), value: text === 'true' }
    if (dot === '' && text === 'null') return { kind: 'constant', ...this.node(at), value: null }
    if (keywords.has(text)) {
      this.index--
      throw this.noExpression()
    }
    if (reserved.has(text)) throw new SyntaxIssue(at, `reserved identifier: ${text}`)
    const name = dot + text
    const open = this.accept('(')
    if (open) return this.callOrMacro(open, name, this.items(')'))
    return { kind: 'identifier', ...this.node(at), name }
  }

  /** Arguments until the closing bracket, which is taken too. No comma may trail. */
  private items(close: string): Expr[] {
    const items: Expr[] = []
    if (this.accept(close)) return items
    this.orSigns(`'${close}'`)
    do items.push(this.expression())
    while (this.accept(','))
    this.expect(close)
    return items
  }

  private list(): Expr {
    const open = this.take()
    const elements: Expr[] = []
    const optional = new Set<number>()
    this.orSigns("']'", "','", "'?'")
    while (!this.peek(']')) {
      if (this.accept('?')) optional.add(elements.length)
      elements.push(this.expression())
      if (!this.accept(',')) break
    }
    this.expect(']')
    return { kind: 'list', ...this.node(open.at), elements, optional }
  }

  private map(): Expr {
    const open = this.take()
    const entries: MapEntry[] = []
    this.orSigns("'}'", "','", "'?'")
    while (!this.peek('}')) {
      const isOptional = this.accept('?') !== undefined
      const key = this.expression()
      const colon = this.expect(':')
      entries.push({ ...this.node(colon.at), key, value: this.expression(), isOptional })
      if (!this.accept(',')) break
    }
    this.expect('}')
    return { kind: 'map', ...this.node(open.at), entries }
  }

  private struct(type: string): Expr {
    const open = this.take()
    const fields: StructField[] = []
    while (!this.peek('}')) {
      const isOptional = this.accept('?') !== undefined
      const token = this.token
      if (token.type !== 'identifier' && token.type !== 'quoted') throw this.mismatchedName()
      this.take()
      const colon = this.expect(':')
      const name = token.type === 'quoted' ? token.text.slice(1, -1) : token.text
      fields.push({ ...this.node(colon.at), name, value: this.expression(), isOptional })
      if (!this.accept(',')) break
    }
    this.expect('}')
    return { kind: 'struct', ...this.node(open.at), type, fields }
  }
}

function numberValue({ text, at }: Token, sign: '' | '-'): Value {
  if (/[.]|^\d+[eE]/.test(text) && !/^0[xX]/.test(text)) {
    const value = Number(sign + text)
    if (!Number.isFinite(value)) throw new SyntaxIssue(at, 'invalid double literal')
    return value
  }
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1))
    if (value > uint64Max || sign === '-') throw new SyntaxIssue(at, 'invalid uint literal')
    return new CelUint(value)
  }
  const value = sign === '-' ? -BigInt(text) : BigInt(text)
  if (value > int64Max || value < -int64Max - 1n) throw new SyntaxIssue(at, 'invalid int literal')
  return value
}
