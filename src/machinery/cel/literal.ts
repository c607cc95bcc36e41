import { CelBytes } from './value.ts'

export type Problem = { readonly problem: string }

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
}
const encoder = new TextEncoder()
const escapes = /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([abfnrtv\\'"`?]))/y

/** The value of a string or bytes literal's body. In bytes, `\x` and octal escapes are bytes; in strings, code points. */
export function unescapeLiteral(
  raw: string,
  { isRaw, isBytes }: { readonly isRaw: boolean; readonly isBytes: boolean },
): string | CelBytes | Problem {
  const body = raw.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  if (isRaw || !body.includes('\\')) return isBytes ? new CelBytes(encoder.encode(body)) : body
  const text: string[] = []
  const bytes: number[] = []
  const add = (part: string) => (isBytes ? bytes.push(...encoder.encode(part)) : text.push(part))
  for (let i = 0; i < body.length; ) {
    const slash = body.indexOf('\\', i)
    if (slash !== i) {
      const end = slash < 0 ? body.length : slash
      add(body.slice(i, end))
      i = end
      continue
    }
    escapes.lastIndex = i
    const match = escapes.exec(body)
    if (!match) return { problem: `Syntax error: token recognition error at: '${body.slice(i, i + 2)}'` }
    const [all, x, upperX, u, upperU, octal, sign] = match
    const isUnicode = u !== undefined || upperU !== undefined
    if (isUnicode && isBytes) return { problem: 'unable to unescape string' }
    if (sign !== undefined) add(simple[sign]!)
    else {
      const code = octal === undefined ? Number.parseInt(x ?? upperX ?? u ?? upperU ?? '', 16) : Number.parseInt(octal, 8)
      if (code > 0x10ffff || (isUnicode && code >= 0xd800 && code <= 0xdfff)) return { problem: 'unable to unescape string' }
      if (isBytes) bytes.push(code)
      else text.push(String.fromCodePoint(code))
    }
    i += all.length
  }
  return isBytes ? new CelBytes(Uint8Array.from(bytes)) : text.join('')
}
