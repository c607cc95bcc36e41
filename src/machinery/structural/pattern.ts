/**
 * A Go regular expression (RE2 syntax) as JavaScript's. The two languages differ in few places that patterns of APIs use: flags in
 * front, `\A` and `\z`, and named classes. Throws SyntaxError for what is none.
 */
export function goPattern(text: string): RegExp {
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
  } catch {
    // Escapes of plain characters are fine in Go and refused by JavaScript's stricter mode.
    return new RegExp(source, unique)
  }
}

/** What is wrong with a pattern, as Go tells of the mistakes that are made; undefined: nothing. */
export function patternProblem(text: string): string | undefined {
  try {
    goPattern(text)
    return undefined
  } catch (error) {
    const { message } = error as Error
    const known: readonly (readonly [RegExp, string])[] = [
      [/Unterminated group/, 'missing closing )'],
      [/Unmatched '\)'/, 'unexpected )'],
      [/Unterminated character class/, 'missing closing ]'],
      [/\\ at end of pattern/, 'trailing backslash at end of expression'],
    ]
    const found = known.find(([pattern]) => pattern.test(message))
    if (!found) return message
    const shown = found[1] === 'missing closing ]' ? text.slice(text.lastIndexOf('[')) : found[1].startsWith('trailing') ? '' : text
    return `error parsing regexp: ${found[1]}: \`${shown}\``
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
