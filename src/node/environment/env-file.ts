/**
 * The value of `key` in a file of `NAME='value'` lines; undefined: it is not there, or empty. Values stand in single quotes, literally, over
 * as many lines as they need; a comment may follow; blanks before `=` are an error, and blanks after it leave the value empty. Throws an
 * Error for a line that is none of this. Source: KEP-3721. Pure.
 */
export function envFileValue(text: string, key: string): string | undefined {
  const entry = /[ \t]*(?:#[^\n]*|([^=\n]*)=([ \t][^\n]*|'([^']*)'[ \t]*(?:#[^\n]*)?)?)?(?:\n|$)/y
  while (entry.lastIndex < text.length) {
    const start = entry.lastIndex
    const match = entry.exec(text)
    const refuse = (why: string) =>
      new Error(`invalid environment variable format at line ${text.slice(0, start).split('\n').length}: ${why}`)
    if (!match) throw refuse(faultOf(text.slice(start)))
    const [line, name, afterwards, value] = match
    if (name === undefined) continue
    if (name === '') throw refuse('empty variable name')
    if (/[ \t]$/.test(name)) throw refuse("whitespace before '=' is not allowed")
    if (afterwards === undefined) throw refuse(faultOf(line))
    if (name === key) return value || undefined
  }
  return undefined
}

function faultOf(rest: string): string {
  const [line = ''] = rest.split('\n')
  const [, value] = /=(.*)/.exec(line) ?? []
  if (value === undefined) return "missing '='"
  if (!value.startsWith("'")) return 'value must be enclosed in single quotes'
  return rest.slice(rest.indexOf("='") + 2).includes("'") ? 'unexpected content after closing quote' : 'unclosed single quote'
}
