/** Where a command speaks: results on standard output, progress and advice on standard error. */
export type Console = {
  out(text: string): void
  /** One line of progress or advice. */
  say(line: string): void
}

export const processConsole: Console = {
  out: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
  say: (line) => void process.stderr.write(`keelson: ${line}\n`),
}

/** Aligned columns with three spaces between, as kubectl prints them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((w, row) => row.map((cell, i) => Math.max(w[i] ?? 0, cell.length)), [])
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]! + 3))).join('')).join('\n')
}
