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
  readonly admit: readonly AdmissionPlugin[]
  readonly validate: readonly AdmissionPlugin[]
  readonly kind: KindDefinition
}

/** Told how long a step of all plugins took; absent where nobody counts. */
export type AdmissionObserver = {
  readonly now: () => number
  stepped(step: 'admit' | 'validate', operation: string, judged: { readonly rejected: boolean; readonly durationMs: number }): void
}

type Step = 'admit' | 'validate'

/** Where a walk through the mutating plugins is, and what they remember. */
type Walk = {
  readonly plugins: readonly AdmissionPlugin[]
  readonly pass: { isReinvocation: boolean; readonly reinvoke: () => void; readonly state: Map<unknown, unknown> }
  next: number
  isWanted: boolean
}

function newWalk(plugins: readonly AdmissionPlugin[]): Walk {
  const reinvoke = () => {
    walk.isWanted = true
  }
  const walk: Walk = { plugins, pass: { isReinvocation: false, reinvoke, state: new Map() }, next: 0, isWanted: false }
  return walk
}

/** Plugins that need not wait are asked without a promise: nearly all need not. */
function goOn(request: AdmissionRequest, walk: Walk): Promise<void> | undefined {
  const { plugins, pass } = walk
  for (;;) {
    while (walk.next < plugins.length) {
      const pending = plugins[walk.next++]!.admit!(request, pass)
      if (pending) return pending.then(() => goOn(request, walk))
    }
    if (!walk.isWanted || pass.isReinvocation) return undefined
    pass.isReinvocation = true
    walk.next = 0
  }
}

async function validateRest(
  pending: Promise<void>,
  request: AdmissionRequest,
  plugins: readonly AdmissionPlugin[],
  from: number,
): Promise<void> {
  await pending
  for (let i = from; i < plugins.length; i++) await plugins[i]!.validate!(request)
}

export function admissionChain(plugins: readonly AdmissionPlugin[], observer?: AdmissionObserver): AdmissionChain {
  // Which plugins care about an operation on a kind never changes: asked once.
  const memo = new Map<string, Concerned>()
  const concerned = ({ operation, kind, subresource }: AdmissionRequest) => {
    const key = `${operation}/${kind.group}/${kind.version}/${kind.plural}/${subresource}`
    const known = memo.get(key)
    if (known?.kind === kind) return known
    const all = plugins.filter((p) => p.handles(operation, kind, subresource))
    const found = { all, admit: all.filter((p) => 'admit' in p), validate: all.filter((p) => 'validate' in p), kind }
    memo.set(key, found)
    return found
  }
  const noted = (step: Step, { operation }: AdmissionRequest, fromMs: number, rejected: boolean) =>
    observer?.stepped(step, operation, { rejected, durationMs: observer.now() - fromMs })
  const measured = (step: Step, request: AdmissionRequest, run: (request: AdmissionRequest) => Promise<void> | undefined) => {
    if (!observer) return run(request)
    const fromMs = observer.now()
    let pending: Promise<void> | undefined
    try {
      pending = run(request)
    } catch (error) {
      noted(step, request, fromMs, true)
      throw error
    }
    if (!pending) {
      noted(step, request, fromMs, false)
      return undefined
    }
    return pending.then(
      () => noted(step, request, fromMs, false),
      (error: unknown) => {
        noted(step, request, fromMs, true)
        throw error
      },
    )
  }
  const admit = (request: AdmissionRequest): Promise<void> | undefined => {
    const walk = newWalk(concerned(request).admit)
    return goOn(request, walk)
  }
  const validate = (request: AdmissionRequest): Promise<void> | undefined => {
    const plugins = concerned(request).validate
    for (let i = 0; i < plugins.length; i++) {
      const pending = plugins[i]!.validate!(request)
      if (pending) return validateRest(pending, request, plugins, i + 1)
    }
    return undefined
  }
  return {
    admit: (request) => measured('admit', request, admit),
    validate: (request) => measured('validate', request, validate),
    treatsAlike: (request) => concerned(request).all.every((plugin) => plugin.treatsAlike?.(request) ?? false),
  }
}
