/**
 * A JSON value as Go's `%v` prints it, which is how upstream shows values in many of its messages: `map[a:1 b:[x y]]`, fields
 * in the order of their names.
 */
export function goText(value: unknown): string {
  return print(value, JSON.stringify)
}

/** As Go's `%s` prints what may be no text: `%!s(int64=1)`. */
export function goString(value: unknown): string {
  if (value === null || value === undefined) return '%!s(<nil>)'
  return print(value, (scalar) => `%!s(${goKind(scalar)}=${JSON.stringify(scalar)})`)
}

function print(value: unknown, printScalar: (scalar: unknown) => string): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return '<nil>'
  if (typeof value !== 'object') return printScalar(value)
  if (Array.isArray(value)) return `[${value.map((item) => print(item, printScalar)).join(' ')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${fields.map(([key, field]) => `${key}:${print(field, printScalar)}`).join(' ')}]`
}

/** Go's name for what a JSON value becomes in a tree of interfaces. */
export function goKind(value: unknown): string {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  return Array.isArray(value) ? 'slice' : 'map'
}

/** Control characters that Go has a letter for. */
export const goEscapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** As Go's package for times quotes: what is no printable ASCII byte by byte. */
export function goBytesQuoted(text: string): string {
  const escaped = text.replaceAll(/["\\]/g, (ch) => `\\${ch}`)
  return `"${escaped.replaceAll(/[^ -\x7f]/gu, (ch) => [...Buffer.from(ch)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''))}"`
}

/** As Go's `%q`: like JSON but for what cannot be printed. */
export function goQuote(text: string): string {
  if (/^[ -~]*$/.test(text)) return JSON.stringify(text)
  const quoted = text.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|["\\]/gu, (ch) => {
    const code = ch.codePointAt(0)!
    if (ch === '"' || ch === '\\') return `\\${ch}`
    if (goEscapes[ch]) return goEscapes[ch]
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${quoted}"`
}
