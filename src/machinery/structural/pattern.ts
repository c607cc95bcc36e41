import { regexOf } from '../cel/regex.ts'

export type Pattern = { test(text: string): boolean }

/** A Go regular expression (RE2 syntax): by JavaScript's engine where it says the same there, which is faster, by RE2's where not. */
export function goPattern(text: string): Pattern {
  try {
    return asJavaScript(text)
  } catch {
    const expression = regexOf(text)
    return { test: (value) => expression.matcher(value).find() }
  }
}

/**
 * The two languages differ in few places that patterns of APIs use: flags in front, `\A` and `\z`, and named classes. Throws SyntaxError for
 * what JavaScript does not know, such as flags further behind.
 */
function asJavaScript(text: string): RegExp {
  let source = text
  let flags = ''
  const leading = /^\(\?([ims]+)\)/.exec(source)
  if (leading) {
    source = source.slice(leading[0].length)
    flags = leading[1]!
  }
  source = source.replace(/\[:(\^?)(\w+):\]/g, (all, negated: string, name: string) => (negated ? all : (posixClasses[name] ?? all)))
  source = source
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    .replace(/\(\?P</g, '(?<')
  const unique = [...new Set(flags)].join('')
  try {
    return new RegExp(source, `${unique}u`)
  } catch (error) {
    // Escapes of plain characters are fine in Go and refused by JavaScript's stricter mode; its other mode reads letters as themselves.
    if (/\\(?![dDwWsSbBnrtfvx])[A-Za-z0-9]/.test(source)) throw error
    return new RegExp(source, unique)
  }
}

/** What is wrong with a pattern, as Go tells it; undefined: nothing. */
export function patternProblem(text: string): string | undefined {
  try {
    regexOf(text)
    return undefined
  } catch (error) {
    const { message } = error as Error
    return message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message
  }
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
