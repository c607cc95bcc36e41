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

export function admissionChain(plugins: readonly AdmissionPlugin[]): AdmissionChain {
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
  return {
    admit: async (request) => {
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
    },
    validate: async (request) => {
      for (const plugin of concerned(request).validate) {
        const pending = plugin.validate!(request)
        if (pending) await pending
      }
    },
    treatsAlike: (request) => concerned(request).all.every((plugin) => plugin.treatsAlike?.(request) ?? false),
  }
}
