import { type Event, EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, type ScalarEvent } from 'js-yaml'

/** A mapping (with its keys), a sequence or the document, being read. `isKey`: it stands where a key should, and is refused elsewhere. */
type Frame = { readonly keys: Set<string> | undefined; readonly isKey: boolean; key: Key | undefined }
/** `line`: where its value begins, as Go counts it. */
type Key = { readonly name: string; line: number }

/**
 * What Go's decoder says of the keys of the first document that stand twice in their map, a line each (`line 4: key "a" already set
 * in map`), in its order: those inside a value before the value's own key. `resolve` reads a plain scalar.
 */
export function duplicateKeys(text: string, resolve: (scalar: string) => unknown): string[] {
  const found: string[] = []
  const frames: Frame[] = []
  const lineAt = lineCounter(text)
  /** A node begins: true when it is a key. */
  const begins = (event: Event): boolean => {
    const frame = frames.at(-1)
    const start = startOf(event)
    if (!frame?.keys) return false
    if (frame.key) {
      if (start >= 0) frame.key.line = lineAt(start)
      return false
    }
    const name = event.type === EVENT_ID.SCALAR ? keyName(text, event, resolve) : `at ${start}`
    frame.key = { name, line: lineAt(start) }
    return true
  }
  const valueEnds = () => {
    const frame = frames.at(-1)
    if (!frame?.keys || !frame.key) return
    const { name, line } = frame.key
    if (frame.keys.has(name)) found.push(`line ${line}: key ${name} already set in map`)
    frame.keys.add(name)
    frame.key = undefined
  }
  for (const event of parseEvents(text, {})) {
    if (event.type === EVENT_ID.POP) {
      const isKey = frames.pop()?.isKey
      if (frames.length === 0) break
      if (!isKey) valueEnds()
      continue
    }
    const isKey = begins(event)
    if (event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) {
      if (!isKey) valueEnds()
    } else frames.push({ keys: event.type === EVENT_ID.MAPPING ? new Set() : undefined, isKey, key: undefined })
  }
  return found
}

/** Of the first sign of a node, its anchor and its tag included; -1 for one that is not written. */
function startOf(event: Event): number {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      const isBlock = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK
      return first(event.anchorStart, event.tagStart, isBlock ? event.valueStart - 1 : event.valueStart)
    }
    case EVENT_ID.MAPPING:
    case EVENT_ID.SEQUENCE:
      return first(event.anchorStart, event.tagStart, event.start)
    case EVENT_ID.ALIAS:
      return event.anchorStart
    default:
      return -1
  }
}

const first = (...starts: readonly number[]) => starts.reduce((a, b) => (a < 0 ? b : b < 0 ? a : Math.min(a, b)), -1)

/** As Go writes it: a text in quotes, anything else as it is. */
function keyName(text: string, event: ScalarEvent, resolve: (scalar: string) => unknown): string {
  const value = getScalarValue(text, event)
  const resolved = event.style === SCALAR_STYLE.PLAIN && maybeNoText.test(value) ? resolve(value) : value
  return resolved === null || resolved === undefined ? '<nil>' : JSON.stringify(resolved)
}

const maybeNoText = /^(?:[-+.\d].*|~|null|true|false|yes|no|on|off)?$/i

/** Lines from 1, of places that only grow. */
function lineCounter(text: string): (index: number) => number {
  let line = 1
  let next = text.indexOf('\n')
  return (index) => {
    while (next >= 0 && next < index) {
      line++
      next = text.indexOf('\n', next + 1)
    }
    return line
  }
}
