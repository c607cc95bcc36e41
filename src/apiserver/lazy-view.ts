import type { KubeObject } from '../machinery/object.ts'
import type { CachedObject } from './cached-object.ts'

/** Views that were made last and have not been parsed again: few, so that what is read once dies young, as a garbage collector likes it. */
const freshMax = 1_024
/** Views that were parsed again: some thirty megabytes of pods as they are. */
const parsedMax = 8_192

/**
 * Makes lean views of objects of a kind of which there may be very many: spec and status are parsed when somebody reads them, and are
 * there for the views that were made or read last. All pods parsed at once would be ten million objects, which the garbage collector
 * walks again and again; a small cluster never notices, since all of its pods are among the last.
 *
 * `isLast`: of an object that is gone, whose spec and status are not even parsed once before somebody reads them.
 *
 * Views look like plain objects: their fields are their own and enumerable, so that copies, JSON and comparisons see everything.
 * Frozen by convention like all that a cache gives. What is read of a view twice is equal, but may be parsed anew.
 * Not chosen: keeping what is equal in many pods once. It costs three times the parsing, and of running pods little is equal.
 */
export function createLazyViews(sizes = { freshMax, parsedMax }): (cached: CachedObject, isLast?: boolean) => KubeObject {
  const keepFresh = createRing(sizes.freshMax)
  const keepParsed = createRing(sizes.parsedMax)
  const wholeOf = (body: Body): KubeObject => {
    if (body.whole) return body.whole
    const whole = body.cached.lean
    body.whole = whole
    keepParsed(body)
    return whole
  }
  const part = (field: 'spec' | 'status'): PropertyDescriptor => ({
    enumerable: true,
    configurable: true,
    get(this: View) {
      return (wholeOf(this[bodyOf]) as Parts)[field]
    },
  })
  // One getter for all views: V8 then gives all of them one shape, and none a closure of its own.
  const parts: Readonly<Record<string, PropertyDescriptor>> = { spec: part('spec'), status: part('status') }
  return (cached, isLast = false) => {
    if (isLast) return lastView(cached, parts)
    const whole = cached.lean
    const view: Record<string | symbol, unknown> = {}
    for (const [field, value] of Object.entries(whole)) {
      if (Object.hasOwn(parts, field)) Object.defineProperty(view, field, parts[field]!)
      else view[field] = value
    }
    // Equal label sets are one object.
    if (whole.metadata.labels) view.metadata = { ...whole.metadata, labels: cached.labels }
    const body: Body = { cached, whole }
    Object.defineProperty(view, bodyOf, { value: body })
    keepFresh(body)
    return view as unknown as KubeObject
  }
}

/** Of an object that is gone hardly anybody reads more than its metadata. It is taken to have a spec and a status, as pods have. */
function lastView(cached: CachedObject, parts: Readonly<Record<string, PropertyDescriptor>>): KubeObject {
  const head = cached.leanHead
  if (Object.hasOwn(head, 'spec')) return head
  const view = Object.defineProperties({ ...head }, parts)
  return Object.defineProperty(view, bodyOf, { value: { cached, whole: undefined } satisfies Body })
}

/** Keeps the last `max` parsed: the oldest lets go of what it has when another comes. */
function createRing(max: number): (body: Body) => void {
  const bodies: Body[] = []
  let next = 0
  return (body) => {
    const oldest = bodies[next]
    if (oldest && oldest !== body) oldest.whole = undefined
    bodies[next] = body
    next = (next + 1) % max
  }
}

/** Out of reach of copies and of whoever freezes a view. */
const bodyOf = Symbol('body')

type Body = { readonly cached: CachedObject; whole: KubeObject | undefined }
type View = { readonly [bodyOf]: Body }
type Parts = KubeObject & { readonly spec?: unknown; readonly status?: unknown }
