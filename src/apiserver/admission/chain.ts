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

type Concerned = {
  readonly all: readonly AdmissionPlugin[]
  readonly admit: readonly Asked[]
  readonly validate: readonly Asked[]
}

/** A plugin in one step of an operation, and who is told how long it took. */
type Asked = {
  readonly run: (request: AdmissionRequest, pass: Walk['pass'] | undefined) => Promise<void> | void
  readonly now: (() => number) | undefined
  readonly note: NoteJudged
}

type NoteJudged = (judged: { readonly rejected: boolean; readonly durationMs: number }) => void

/** Told how long a step of all plugins took, and each of them; absent where nobody counts. */
export type AdmissionObserver = {
  readonly now: () => number
  /** To be told of one plugin in a step. */
  judgedBy(name: string, step: 'admit' | 'validate', operation: string): NoteJudged
  stepped(step: 'admit' | 'validate', operation: string, judged: { readonly rejected: boolean; readonly durationMs: number }): void
}

type Step = 'admit' | 'validate'

/** Where a walk through the mutating plugins is, and what they remember. */
type Walk = {
  readonly plugins: readonly Asked[]
  readonly pass: { isReinvocation: boolean; readonly reinvoke: () => void; readonly state: Map<unknown, unknown> }
  next: number
  isWanted: boolean
}

function newWalk(plugins: readonly Asked[]): Walk {
  const reinvoke = () => {
    walk.isWanted = true
  }
  const walk: Walk = { plugins, pass: { isReinvocation: false, reinvoke, state: new Map() }, next: 0, isWanted: false }
  return walk
}

function ask({ run, now, note }: Asked, request: AdmissionRequest, pass?: Walk['pass']): Promise<void> | undefined {
  if (!now) return run(request, pass) ?? undefined
  const fromMs = now()
  const end = (rejected: boolean) => note({ rejected, durationMs: now() - fromMs })
  let pending: Promise<void> | void
  try {
    pending = run(request, pass)
  } catch (error) {
    end(true)
    throw error
  }
  if (pending)
    return pending.then(
      () => end(false),
      (error: unknown) => {
        end(true)
        throw error
      },
    )
  end(false)
  return undefined
}

/** Plugins that need not wait are asked without a promise: nearly all need not. */
function goOn(request: AdmissionRequest, walk: Walk): Promise<void> | undefined {
  const { plugins, pass } = walk
  for (;;) {
    while (walk.next < plugins.length) {
      const pending = ask(plugins[walk.next++]!, request, pass)
      if (pending) return pending.then(() => goOn(request, walk))
    }
    if (!walk.isWanted || pass.isReinvocation) return undefined
    pass.isReinvocation = true
    walk.next = 0
  }
}

async function validateRest(pending: Promise<void>, request: AdmissionRequest, plugins: readonly Asked[], from: number): Promise<void> {
  await pending
  for (let i = from; i < plugins.length; i++) await ask(plugins[i]!, request)
}

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
    const asked = (step: Step, run: (plugin: AdmissionPlugin) => Asked['run'] | undefined) =>
      all.flatMap((plugin): Asked[] => {
        const found = run(plugin)
        return found ? [{ run: found, now: observer?.now, note: observer?.judgedBy(plugin.name, step, operation) ?? (() => {}) }] : []
      })
    const found = {
      all,
      admit: asked('admit', (plugin) => (plugin.admit ? (request, pass) => plugin.admit!(request, pass!) : undefined)),
      validate: asked('validate', (plugin) => (plugin.validate ? (request) => plugin.validate!(request) : undefined)),
    }
    ofKind.set(key, found)
    return found
  }
  const measured = (step: Step, run: Asked['run']) => (request: AdmissionRequest) =>
    ask({ run, now: observer?.now, note: (judged) => observer?.stepped(step, request.operation, judged) }, request)
  const admit = (request: AdmissionRequest): Promise<void> | undefined => {
    const walk = newWalk(concerned(request).admit)
    return goOn(request, walk)
  }
  const validate = (request: AdmissionRequest): Promise<void> | undefined => {
    const plugins = concerned(request).validate
    for (let i = 0; i < plugins.length; i++) {
      const pending = ask(plugins[i]!, request)
      if (pending) return validateRest(pending, request, plugins, i + 1)
    }
    return undefined
  }
  return {
    admit: measured('admit', admit),
    validate: measured('validate', validate),
    treatsAlike: (request) => concerned(request).all.every((plugin) => plugin.treatsAlike?.(request) ?? false),
  }
}
