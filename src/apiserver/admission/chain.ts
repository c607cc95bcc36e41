import type { KindDefinition } from '../../kinds/kind.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../contract.ts'

/** Plugins in a fixed order: every `admit` before any `validate`. Both stop at the first refusal. */
export type AdmissionChain = {
  admit(request: AdmissionRequest): Promise<void>
  validate(request: AdmissionRequest): Promise<void>
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
  const measured = async (step: 'admit' | 'validate', request: AdmissionRequest, run: (request: AdmissionRequest) => Promise<void>) => {
    if (!observer) return run(request)
    const fromMs = observer.now()
    let rejected = true
    try {
      await run(request)
      rejected = false
    } finally {
      observer.stepped(step, request.operation, { rejected, durationMs: observer.now() - fromMs })
    }
  }
  const admit = async (request: AdmissionRequest) => {
    const plugins = concerned(request).admit
    const state = new Map<unknown, unknown>()
    for (const isReinvocation of [false, true]) {
      let isWanted = false
      const pass = { isReinvocation, reinvoke: () => void (isWanted = true), state }
      for (const plugin of plugins) {
        const pending = plugin.admit!(request, pass)
        if (pending) await pending
      }
      if (!isWanted) return
    }
  }
  const validate = async (request: AdmissionRequest) => {
    for (const plugin of concerned(request).validate) {
      const pending = plugin.validate!(request)
      if (pending) await pending
    }
  }
  return {
    admit: (request) => measured('admit', request, admit),
    validate: (request) => measured('validate', request, validate),
    treatsAlike: (request) => concerned(request).all.every((plugin) => plugin.treatsAlike?.(request) ?? false),
  }
}
