import { createRing } from '../../base/ring.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { CachedObject } from './cached-object.ts'
import { specOfText } from './spec-of-text.ts'

/** Views that were parsed last, for the first time: few, so that what is read once dies young, as a garbage collector likes it. */
const freshMax = 256
/** Views that were parsed again: some thirty megabytes of pods as they are. */
const parsedMax = 8_192

/**
 * Makes lean views of objects of a kind of which there may be very many: spec and status are parsed when somebody reads them, and are
 * there for the views that were read last. All pods parsed at once would be ten million objects, which the garbage collector
 * walks again and again; a small cluster never notices, since all of its pods are among the last.
 *
 * Views look like plain objects: their fields are their own and enumerable, so that copies, JSON and comparisons see everything.
 * Frozen by convention like all that a cache gives. What is read of a view twice is equal, but may be parsed anew.
 * Not chosen: keeping all that is equal in many pods once. It costs three times the parsing, and of running pods little is equal but the specs.
 */
export function createLazyViews(sizes = { freshMax, parsedMax }): (cached: CachedObject) => KubeObject {
  const letGo = (body: Body) => {
    body.parsed = undefined
  }
  const keepFresh = createRing(sizes.freshMax, letGo)
  const keepParsed = createRing(sizes.parsedMax, letGo)
  const keep = (body: Body) => {
    if (body.parsed) return
    body.parsed = {}
    if (body.wasParsed) keepParsed(body)
    else keepFresh(body)
    body.wasParsed = true
  }
  const part = (field: 'spec' | 'status'): PropertyDescriptor => ({
    enumerable: true,
    configurable: true,
    get(this: View) {
      const { [bodyOf]: body } = this
      const known = body.parsed?.[field]
      if (known) return known
      const { cached } = body
      const live: (KubeObject & Parts) | undefined = cached.parsed
      const value = live
        ? live[field]
        : field === 'spec'
          ? specOfText(cached.textFromEnd(body.specFromEnd, body.statusFromEnd + statusKeyBytes))
          : (JSON.parse(cached.textFromEnd(body.statusFromEnd, 1)) as unknown)
      keep(body)
      body.parsed![field] = value
      return value
    },
  })
  // One getter for all views: V8 then gives all of them one shape, and none a closure of its own.
  const [spec, status] = [part('spec'), part('status')]
  return (cached) => {
    const known = cached.leanHead
    if (!known) return cached.lean
    const { head, specFromEnd, statusFromEnd } = known
    Object.defineProperty(head, 'spec', spec)
    Object.defineProperty(head, 'status', status)
    const value: Body = { cached, specFromEnd, statusFromEnd, parsed: undefined, wasParsed: false }
    return Object.defineProperty(head, bodyOf, { value })
  }
}

/** Between the two: `,"status":`. */
const statusKeyBytes = 10

/** Out of reach of copies and of whoever freezes a view. */
const bodyOf = Symbol('body')

type Body = {
  readonly cached: CachedObject
  readonly specFromEnd: number
  readonly statusFromEnd: number
  parsed: Parts | undefined
  wasParsed: boolean
}
type Parts = { spec?: unknown; status?: unknown }
type View = { readonly [bodyOf]: Body }
