/** One entry of a container's log as engines write it: `<RFC 3339 nano> <stream> <tags> <text>`. */
export type CriLogLine = {
  readonly timestamp: string
  readonly stream: 'stdout' | 'stderr'
  /** The line goes on in the next entry. */
  readonly isPartial: boolean
  readonly text: Buffer
}

const space = 0x20

/** Undefined for what is no log entry (a torn write). The line has no trailing newline. */
export function parseCriLogLine(line: Buffer): CriLogLine | undefined {
  const first = line.indexOf(space)
  const second = line.indexOf(space, first + 1)
  if (first < 20 || second < 0) return undefined
  const third = line.indexOf(space, second + 1)
  const stream = line.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third)
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    isPartial: tags.split(':')[0] === 'P',
    text: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  }
}
