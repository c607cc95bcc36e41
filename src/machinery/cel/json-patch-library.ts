import type { Library } from './environment.ts'
import { overload } from './overload.ts'

/** What mutations in JSON patches need: a key as a JSON pointer writes it (https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/). */
export const jsonPatchLibrary = (): Library => ({
  overloads: [overload('jsonpatch.escapeKey(string): string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'))],
})
