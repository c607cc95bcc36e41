/** One term of `?fieldSelector=`. `==` is read as `=`. */
export type FieldTerm = { readonly field: string; readonly op: '=' | '!='; readonly value: string }

/** Text that is no field selector; the message is upstream's, ready for a 400 answer. */
export class FieldSelectorError extends Error {
  override name = 'FieldSelectorError'
}

/**
 * Parses `metadata.name=a,status.phase!=Running`; terms are read in the order of their texts, as upstream does. In a value `\,`, `\=` and `\\` stand for the character itself.
 * A term without a field and a value says nothing. Which fields a kind knows is the kind's business. Throws FieldSelectorError.
 */
export function parseFieldSelector(text: string): FieldTerm[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .sort()
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
      if (!match) throw new FieldSelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
      return { field: match[1]!, op: match[2] === '!=' ? ('!=' as const) : ('=' as const), value: unescapeFieldValue(match[3]!) }
    })
    .filter(({ field, value }) => field !== '' || value !== '')
}

/** The text that parses back to these terms. */
export function formatFieldSelector(terms: readonly FieldTerm[]): string {
  return terms.map(({ field, op, value }) => `${field}${op}${value.replace(/[\\,=]/g, (c) => `\\${c}`)}`).join(',')
}

/** Whether all terms hold; `read` gives a field's value, empty where the object has none. */
export function matchesFields(terms: readonly FieldTerm[], read: (field: string) => string): boolean {
  return terms.every(({ field, op, value }) => (read(field) === value) === (op === '='))
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescapeFieldValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text
  let value = ''
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!
    if (ch === ',' || ch === '=') throw new FieldSelectorError(`invalid field selector: unescaped character in value: ${ch.charCodeAt(0)}`)
    if (ch !== '\\') value += ch
    else {
      const next = text[++i]
      if (next !== '\\' && next !== ',' && next !== '=')
        throw new FieldSelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`)
      value += next
    }
  }
  return value
}
