import { authorizerLibrary } from './authorizer.ts'
import { twoVariableLibrary } from './comprehension-code.ts'
import { celEnvironment, type Environment, type EnvironmentOptions, type Library, withVariables } from './environment.ts'
import { formatLibrary } from './named-format.ts'
import { jsonPatchLibrary } from './json-patch-library.ts'
import { listLibrary, setLibrary } from './list-library.ts'
import { bindingMacros } from './macros.ts'
import { mathLibrary } from './math-library.ts'
import { networkLibrary } from './network-library.ts'
import { optionalLibrary } from './optional-library.ts'
import { quantityLibrary } from './quantity-library.ts'
import { semverLibrary } from './semver-library.ts'
import { standardLibrary } from './standard-library.ts'
import { stringLibrary } from './string-library.ts'
import { urlLibrary } from './url-library.ts'

/** What some of Kubernetes' expressions have beside what all have: `cel.bind` in those on devices, `jsonpatch.escapeKey` in mutations. */
const extras = {
  bindings: (): Library => ({ macros: bindingMacros }),
  jsonPatch: jsonPatchLibrary,
  math: mathLibrary,
} as const
type Extra = keyof typeof extras

type Options = Omit<EnvironmentOptions, 'libraries'> & { readonly extras?: readonly Extra[] }

const bases = new Map<string, Environment>()

/** The functions that Kubernetes has (https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries). */
export function kubernetesEnvironment({ extras: wanted = [], ...options }: Options): Environment {
  const key = wanted.join()
  let base = bases.get(key)
  if (!base) bases.set(key, (base = celEnvironment({ libraries: [...everywhere(), ...wanted.map((extra) => extras[extra]())] })))
  return withVariables(base, options)
}

const everywhere = (): readonly Library[] => [
  standardLibrary(),
  optionalLibrary(),
  stringLibrary(),
  listLibrary(),
  setLibrary(),
  urlLibrary(),
  networkLibrary(),
  quantityLibrary(),
  semverLibrary(),
  formatLibrary(),
  authorizerLibrary(),
  twoVariableLibrary(),
]
