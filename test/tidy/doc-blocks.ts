import { readFileSync } from 'node:fs'

export type DocBlock = {
  /** What stands behind the fence: `sh`, `ts`, `console`, … or nothing. */
  readonly language: string
  readonly text: string
  /** The line of the fence, from 1. */
  readonly line: number
  /** The nearest heading above. */
  readonly heading: string
}

/** The fenced blocks of a Markdown page in order; with `language` only those of it. Throws for a fence that is never closed. */
export function docBlocks(path: string, language?: string): readonly DocBlock[] {
  const blocks: DocBlock[] = []
  let heading = ''
  let open: { language: string; line: number; lines: string[] } | undefined
  for (const [i, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)\s*$/.exec(line)
    if (open && fence) {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line, heading })
      open = undefined
    } else if (open) open.lines.push(line)
    else if (fence) open = { language: fence[1] ?? '', line: i + 1, lines: [] }
    else if (line.startsWith('#')) heading = line.replace(/^#+\s*/, '')
  }
  if (open) throw new Error(`${path}:${open.line}: the block is never closed`)
  return blocks.filter((block) => language === undefined || block.language === language)
}
