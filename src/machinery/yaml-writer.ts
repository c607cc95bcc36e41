import { compareYamlKeys } from './yaml-key-order.ts'
import { isMultiline, isPrintable, scalarStyle } from './yaml-scalar.ts'

/**
 * YAML as upstream's server writes it, by Go's encoder: block style, lists as far out as their keys, long lines folded at a space after
 * column 80, text quoted where any reader of YAML 1.1 would read something else.
 */
export function formatYaml(value: unknown): string {
  const writer = new YamlWriter()
  writer.node(value, -1, false)
  return writer.end()
}

const columnsMax = 80
/** Longer ones stand behind a question mark. */
const simpleKeyBytesMax = 128

class YamlWriter {
  #text = ''
  #column = 0
  /** Whether nothing but indentation and marks stands on the line. */
  #isIndention = true
  /** Whether what is next needs no blank before it. */
  #isSpaced = true

  end(): string {
    if (!this.#isIndention || this.#column > 0) this.#break()
    return this.#text
  }

  /** `indent` is that of what it lies in, −1 for the root. */
  node(value: unknown, indent: number, isMappingValue: boolean): void {
    if (Array.isArray(value)) return this.#sequence(value, indent, isMappingValue)
    if (typeof value === 'object' && value !== null) return this.#mapping(value as Record<string, unknown>, indent)
    if (typeof value === 'string') return this.#scalar(value, indent, false)
    this.#indicator(typeof value === 'number' ? goNumber(value) : String(value), true)
    this.#isIndention = false
  }

  #sequence(list: readonly unknown[], outer: number, isMappingValue: boolean): void {
    const items = list.map((item) => (item === undefined ? null : item))
    if (items.length === 0) return this.#indicator('[]', true)
    const indent = outer < 0 ? 0 : isMappingValue && !this.#isIndention ? outer : outer + 2
    for (const item of items) {
      this.#indent(indent)
      this.#indicator('-', true, true)
      this.node(item, indent, false)
    }
  }

  #mapping(object: Record<string, unknown>, outer: number): void {
    const keys = Object.keys(object).filter((key) => object[key] !== undefined)
    if (keys.length === 0) return this.#indicator('{}', true)
    const indent = outer < 0 ? 0 : outer + 2
    for (const key of keys.sort(compareYamlKeys)) {
      this.#indent(indent)
      if (!isMultiline(key) && Buffer.byteLength(key) <= simpleKeyBytesMax) {
        this.#scalar(key, indent, true)
        this.#indicator(':', false)
      } else {
        this.#indicator('?', true, true)
        this.#scalar(key, indent, false)
        this.#indent(indent)
        this.#indicator(':', true, true)
      }
      this.node(object[key], indent, true)
    }
  }

  #scalar(text: string, outer: number, isSimpleKey: boolean): void {
    const indent = outer < 0 ? 2 : outer + 2
    const style = scalarStyle(text, { isSimpleKey })
    if (style === 'literal') return this.#literal(text, indent)
    if (style === 'double') this.#doubleQuoted(text, indent, !isSimpleKey)
    else this.#flowText(text, indent, { quote: style === 'single' ? "'" : '', mayFold: !isSimpleKey })
    this.#isSpaced = false
    this.#isIndention = false
  }

  #flowText(text: string, indent: number, { quote, mayFold }: { readonly quote: string; readonly mayFold: boolean }): void {
    this.#indicator(quote, true)
    const chars = Array.from(text)
    let isAfterSpace = false
    let isAfterBreak = false
    for (const [i, char] of chars.entries()) {
      if (char === ' ') {
        const isInside = quote === '' || (i > 0 && i < chars.length - 1)
        if (mayFold && !isAfterSpace && this.#column > columnsMax && isInside && chars[i + 1] !== ' ') this.#indent(indent)
        else this.#put(char)
        isAfterSpace = true
      } else if (isMultiline(char)) {
        this.#break(char)
        this.#isIndention = true
        isAfterBreak = true
      } else {
        if (isAfterBreak) this.#indent(indent)
        this.#put(quote !== '' && char === quote ? quote + quote : char)
        this.#isIndention = false
        isAfterSpace = false
        isAfterBreak = false
      }
    }
    if (quote !== '') this.#indicator(quote, false)
  }

  #doubleQuoted(text: string, indent: number, mayFold: boolean): void {
    this.#indicator('"', true)
    const chars = Array.from(text)
    // The encoder takes every character of a text for the byte order mark that the text begins with.
    const isMarked = text.startsWith('\ufeff')
    let isAfterSpace = false
    for (const [i, char] of chars.entries()) {
      if (isMarked || !isPrintable(char) || isMultiline(char) || char === '"' || char === '\\') {
        this.#put(escaped(char))
        isAfterSpace = false
      } else if (char === ' ' && mayFold && !isAfterSpace && this.#column > columnsMax && i > 0 && i < chars.length - 1) {
        this.#indent(indent)
        if (chars[i + 1] === ' ') this.#put('\\')
        isAfterSpace = true
      } else {
        this.#put(char)
        isAfterSpace = char === ' '
      }
    }
    this.#indicator('"', false)
  }

  #literal(text: string, indent: number): void {
    this.#indicator('|', true)
    if (/^[ \n\r\u0085\u2028\u2029]/.test(text)) this.#indicator('2', false)
    const chars = Array.from(text)
    const endsInBreak = isMultiline(chars.at(-1)!)
    if (!endsInBreak) this.#indicator('-', false)
    else if (chars.length === 1 || isMultiline(chars.at(-2)!)) this.#indicator('+', false)
    this.#break()
    this.#isIndention = true
    this.#isSpaced = true
    let isAfterBreak = true
    for (const char of chars) {
      if (isMultiline(char)) this.#break(char)
      else {
        if (isAfterBreak) this.#indent(indent)
        this.#put(char)
      }
      isAfterBreak = isMultiline(char)
      this.#isIndention = isAfterBreak
    }
  }

  #indicator(text: string, needsSpace: boolean, isIndention = false): void {
    if (needsSpace && !this.#isSpaced) this.#put(' ')
    this.#put(text)
    this.#isSpaced = false
    this.#isIndention &&= isIndention
  }

  #indent(indent: number): void {
    if (!this.#isIndention || this.#column > indent || (this.#column === indent && !this.#isSpaced)) this.#break()
    this.#put(' '.repeat(Math.max(0, indent - this.#column)))
    this.#isSpaced = true
    this.#isIndention = true
  }

  #put(text: string): void {
    this.#text += text
    this.#column += Array.from(text).length
  }

  #break(char = '\n'): void {
    this.#text += char
    this.#column = 0
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\x85': 'N',
  '\xa0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
}

function escaped(char: string): string {
  const short = shortEscapes[char]
  if (short !== undefined) return `\\${short}`
  const code = char.codePointAt(0)!
  const [letter, width] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8]
  return `\\${letter}${code
    .toString(16)
    .toUpperCase()
    .padStart(width as number, '0')}`
}

/** Whole numbers of 64 bits with all their digits, others with an exponent from the seventh digit on. */
function goNumber(value: number): string {
  if (Number.isInteger(value) && value > -(2 ** 63) && value < 2 ** 64) return String(BigInt(value))
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}
