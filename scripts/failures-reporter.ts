// A test reporter for `node --test`: prints each failure with its file, the slowest files, and one closing line of totals.
import type { TestEvent } from 'node:test/reporters'

export default async function* failuresReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0
  let failed = 0
  let skipped = 0
  const slow: { name: string; ms: number }[] = []
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const data = event.data
    if (data.details.type === 'suite') continue
    if (data.skip !== undefined && data.skip !== false) {
      skipped++
      yield `\nskipped: ${data.name} (${data.file}) ${typeof data.skip === 'string' ? data.skip : ''}\n`
    } else if (event.type === 'test:pass') passed++
    else {
      failed++
      const error = event.data.details.error
      const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : error.message
      yield `\nFAILED: ${data.name}\n  ${data.file}:${data.line}\n${cause.replace(/^/gm, '    ')}\n`
    }
    slow.push({ name: `${data.file?.replace(`${process.cwd()}/`, '')}: ${data.name}`, ms: data.details.duration_ms })
  }
  slow.sort((a, b) => b.ms - a.ms)
  yield `\nslowest: ${slow
    .slice(0, 5)
    .map((s) => `${s.name} ${(s.ms / 1000).toFixed(1)} s`)
    .join('; ')}\n`
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`
}
