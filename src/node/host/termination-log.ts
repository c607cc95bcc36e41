import { open, readFile } from 'node:fs/promises'
import type { PodContainer } from '../pod/pod-view.ts'
import type { RuntimeContainer } from '../runtime/contract.ts'
import { parseCriLogLine } from '../logs/cri-log-line.ts'

const messageBytesMax = 4096
const logBytesMax = 2048
const logLinesMax = 80
/** How much of the log's end is read to find those lines. */
const logReadBytes = 64 * 1024

/** What an ended container says about its end: its termination file, or for a failed one the tail of its log where the policy allows. */
export async function readTerminationMessage(path: string, { container }: PodContainer, ended: RuntimeContainer): Promise<string> {
  const written = (await readFile(path).catch(() => Buffer.alloc(0))).subarray(0, messageBytesMax).toString('utf8')
  const mayFallBack = container.terminationMessagePolicy === 'FallbackToLogsOnError' && ended.exitCode !== 0
  return written === '' && mayFallBack ? readLogTail(ended.logPath) : written
}

async function readLogTail(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - logReadBytes)
    const buffer = Buffer.alloc(size - start)
    await file.read(buffer, 0, buffer.length, start)
    const lines = buffer
      .toString('latin1')
      .split('\n')
      .filter((line) => line !== '')
    const tail = lines.slice(-logLinesMax).flatMap((line) => {
      const entry = parseCriLogLine(Buffer.from(line, 'latin1'))
      return entry ? [Buffer.concat([entry.text, Buffer.from(entry.isPartial ? '' : '\n')])] : []
    })
    const text = Buffer.concat(tail)
    return text.subarray(Math.max(0, text.length - logBytesMax)).toString('utf8')
  } finally {
    await file.close()
  }
}
