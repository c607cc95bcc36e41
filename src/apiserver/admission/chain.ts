import type { KindDefinition } from '../../kinds/kind.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'

/** Plugins in a fixed order: every `admit` before any `validate`. Both stop at the first refusal. */
export type AdmissionChain = {
  /** A promise where some plugin takes time, as of `validate`. */
  admit(request: AdmissionRequest): Promise<void> | undefined
  validate(request: AdmissionRequest): Promise<void> | undefined
  /** Every plugin that is concerned treats objects like this one as it treats this one (see AdmissionPlugin). */
  treatsAlike(request: AdmissionRequest): boolean
}

type Concerned = { readonly all: readonly AdmissionPlugin[]; readonly admit: Plugins; readonly validate: Plugins }

/** What one step asks, and who is told of it as a whole. */
type Plugins = { readonly list: readonly Asked[]; readonly stepped: Judged }

/** A plugin in one step of an operation, and who is told how long it took. */
type Asked = { readonly run: (request: AdmissionRequest, pass: Walk['pass'] | undefined) => Promise<void> | void; readonly judged: Judged }

/** Told how long one judgement took, by how it ended; in ms. */
export type Judged = { readonly passed: (durationMs: number) => void; readonly refused: (durationMs: number) => void }

/** Asked once for each step of an operation, and for each plugin in it; absent where nobody counts. */
export type AdmissionObserver = {
  readonly now: () => number
  judgedBy(name: string, step: Step, operation: string): Judged
  stepped(step: Step, operation: string): Judged
}

type Step = 'admit' | 'validate'

/** Where a walk through the mutating plugins is, and what they remember. */
type Walk = {
  readonly plugins: readonly Asked[]
  readonly watch: StopWatch | undefined
  readonly pass: { isReinvocation: boolean; readonly reinvoke: () => void; readonly state: Map<unknown, unknown> }
  next: number
  isWanted: boolean
}

function newWalk(plugins: readonly Asked[], watch: StopWatch | undefined): Walk {
  const reinvoke = () => {
    walk.isWanted = true
  }
  let state: Map<unknown, unknown> | undefined
  const pass = {
    isReinvocation: false,
    reinvoke,
    get state() {
      return (state ??= new Map())
    },
  }
  const walk: Walk = { plugins, watch, pass, next: 0, isWanted: false }
  return walk
}

/** One reading between two plugins is the end of the first and the beginning of the second: there are two dozen to a request. */
class StopWatch {
  readonly #now: () => number
  readonly #startedMs: number
  #lapMs: number

  constructor(now: () => number) {
    this.#now = now
    this.#startedMs = now()
    this.#lapMs = this.#startedMs
  }

  /** Since the last lap. */
  lap(): number {
    const fromMs = this.#lapMs
    this.#lapMs = this.#now()
    return this.#lapMs - fromMs
  }

  /** Of all laps. */
  get total(): number {
    return this.#lapMs - this.#startedMs
  }
}

function ask(
  { run, judged }: Asked,
  request: AdmissionRequest,
  watch: StopWatch | undefined,
  pass?: Walk['pass'],
): Promise<void> | undefined {
  if (!watch) return run(request, pass) ?? undefined
  let pending: Promise<void> | void
  try {
    pending = run(request, pass)
  } catch (error) {
    judged.refused(watch.lap())
    throw error
  }
  if (pending) return awaited(pending, judged, () => watch.lap())
  judged.passed(watch.lap())
  return undefined
}

async function awaited(pending: Promise<void>, judged: Judged, durationMs: () => number): Promise<void> {
  try {
    await pending
  } catch (error) {
    judged.refused(durationMs())
    throw error
  }
  judged.passed(durationMs())
}

/** Plugins that need not wait are asked without a promise: nearly all need not. */
function goOn(request: AdmissionRequest, walk: Walk): Promise<void> | undefined {
  const { plugins, pass, watch } = walk
  for (;;) {
    while (walk.next < plugins.length) {
      const pending = ask(plugins[walk.next++]!, request, watch, pass)
      if (pending) return pending.then(() => goOn(request, walk))
    }
    if (!walk.isWanted || pass.isReinvocation) return undefined
    pass.isReinvocation = true
    walk.next = 0
  }
}

function validateFrom(
  from: number,
  request: AdmissionRequest,
  plugins: readonly Asked[],
  watch: StopWatch | undefined,
): Promise<void> | undefined {
  for (let i = from; i < plugins.length; i++) {
    const pending = ask(plugins[i]!, request, watch)
    if (pending) return pending.then(() => validateFrom(i + 1, request, plugins, watch))
  }
  return undefined
}

const nobody: Judged = { passed: () => {}, refused: () => {} }

export function admissionChain(plugins: readonly AdmissionPlugin[], observer?: AdmissionObserver): AdmissionChain {
  // Which plugins care about an operation on a kind never changes: asked once. Custom kinds come and go: nothing here keeps them.
  const memo = new WeakMap<KindDefinition, Map<string, Concerned>>()
  const concerned = ({ operation, kind, subresource }: AdmissionRequest) => {
    let ofKind = memo.get(kind)
    if (!ofKind) memo.set(kind, (ofKind = new Map()))
    const key = `${operation}/${subresource}`
    const known = ofKind.get(key)
    if (known) return known
    const all = plugins.filter((p) => p.handles(operation, kind, subresource))
    const asked = (step: Step, run: (plugin: AdmissionPlugin) => Asked['run'] | undefined): Plugins => ({
      list: all.flatMap((plugin): Asked[] => {
        const found = run(plugin)
        return found ? [{ run: found, judged: observer?.judgedBy(plugin.name, step, operation) ?? nobody }] : []
      }),
      stepped: observer?.stepped(step, operation) ?? nobody,
    })
    const found = {
      all,
      admit: asked('admit', (plugin) => (plugin.admit ? (request, pass) => plugin.admit!(request, pass!) : undefined)),
      validate: asked('validate', (plugin) => (plugin.validate ? (request) => plugin.validate!(request) : undefined)),
    }
    ofKind.set(key, found)
    return found
  }
  const measured = (
    { list, stepped }: Plugins,
    run: (plugins: readonly Asked[], watch: StopWatch | undefined) => Promise<void> | undefined,
  ): Promise<void> | undefined => {
    const watch = observer && new StopWatch(observer.now)
    if (!watch) return run(list, undefined)
    let pending: Promise<void> | undefined
    try {
      pending = run(list, watch)
    } catch (error) {
      stepped.refused(watch.total)
      throw error
    }
    if (pending) return awaited(pending, stepped, () => watch.total)
    stepped.passed(watch.total)
    return undefined
  }
  return {
    admit: (request) => measured(concerned(request).admit, (plugins, watch) => goOn(request, newWalk(plugins, watch))),
    validate: (request) => measured(concerned(request).validate, (plugins, watch) => validateFrom(0, request, plugins, watch)),
    treatsAlike: (request) => concerned(request).all.every((plugin) => plugin.treatsAlike?.(request) ?? false),
  }
}
