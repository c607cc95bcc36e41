/** What is wrong with an expression, at an offset into its text (UTF-16 units). */
export type Issue = { readonly at: number; readonly message: string }

/** Issues as cel-go prints them, each with its line and a caret below it. */
export function formatIssues(text: string, issues: readonly Issue[]): string {
  return [...issues]
    .sort((a, b) => a.at - b.at)
    .map((issue) => formatIssue(text, issue))
    .join('\n')
}

function formatIssue(text: string, { at, message }: Issue): string {
  if (text === '') return `ERROR: <input>:1:0: ${message}`
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const start = before.lastIndexOf('\n') + 1
  const end = text.indexOf('\n', at)
  const shown = text.slice(start, end < 0 ? text.length : end).replaceAll('\t', ' ')
  const column = Array.from(text.slice(start, at)).length
  const dots = Array.from(text.slice(start, at))
    .map((ch) => (isWide(ch) ? '．' : '.'))
    .join('')
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${shown}\n | ${dots}^`
}

const isWide = (ch: string) => (ch.codePointAt(0) ?? 0) > 0x7f
