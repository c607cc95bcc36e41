import { authorizerLibrary } from './authorizer.ts'
import { twoVariableLibrary } from './comprehension-code.ts'
import { celEnvironment, type Environment, type EnvironmentOptions, withVariables } from './environment.ts'
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

let base: Environment | undefined

/** The functions that Kubernetes has (https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries). */
export function kubernetesEnvironment(options: Omit<EnvironmentOptions, 'libraries'>): Environment {
  base ??= celEnvironment({
    libraries: [
      standardLibrary(),
      optionalLibrary(),
      stringLibrary(),
      listLibrary(),
      setLibrary(),
      mathLibrary(),
      urlLibrary(),
      networkLibrary(),
      quantityLibrary(),
      semverLibrary(),
      formatLibrary(),
      authorizerLibrary(),
      jsonPatchLibrary(),
      twoVariableLibrary(),
      { macros: bindingMacros },
    ],
  })
  return withVariables(base, options)
}
