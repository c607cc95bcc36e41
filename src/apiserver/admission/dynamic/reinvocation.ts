import { deepClone } from '../../../machinery/deep-clone.ts'
import { deepEqual } from '../../../machinery/deep-equal.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import type { AdmissionPass } from '../../contract.ts'

/** Who is asked a second time, and when (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy). */
export type Reinvocation = {
  /** False for those that have seen the object as it is, in the second walk. */
  isDue(key: string): boolean
  /** One has been asked. What it changed is for those before it with `IfNeeded`, and for the built-in plugins, to see. */
  asked(key: string, what: { readonly isChanged: boolean; readonly isReinvocable: boolean }): void
  /** The walk of this plugin is over, and this is the object. */
  done(object: KubeObject | undefined): void
  /** Something has changed the object: all that may be asked again are, the one that did it too, as upstream does with policies. */
  askAllAgain(): void
}

type Memory = { readonly reinvocable: Set<string>; readonly pending: Set<string>; output: KubeObject | undefined }

/** The state of one plugin (`owner`) in one request. `object` as the plugin finds it in this walk. */
export function reinvocationOf(pass: AdmissionPass, owner: unknown, object: KubeObject | undefined): Reinvocation {
  const memory = memoryOf(pass, owner)
  const { reinvocable, pending } = memory
  const requireOthers = () => {
    for (const key of reinvocable) pending.add(key)
  }
  if (pass.isReinvocation && !deepEqual(object, memory.output)) requireOthers()
  return {
    isDue: (key) => !pass.isReinvocation || pending.delete(key),
    asked: (key, { isChanged, isReinvocable }) => {
      if (isChanged) {
        requireOthers()
        pass.reinvoke()
      }
      if (isReinvocable) reinvocable.add(key)
    },
    askAllAgain: () => {
      requireOthers()
      pass.reinvoke()
    },
    done: (output) => {
      if (reinvocable.size > 0) memory.output = output && deepClone(output)
    },
  }
}

function memoryOf({ state }: AdmissionPass, owner: unknown): Memory {
  const known = state.get(owner) as Memory | undefined
  if (known) return known
  const memory: Memory = { reinvocable: new Set(), pending: new Set(), output: undefined }
  state.set(owner, memory)
  return memory
}
