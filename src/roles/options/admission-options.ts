/** What the file of `--admission-control-config-file` says of plugins (https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AdmissionConfiguration). */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { admissionPluginNames } from '../../apiserver/admission/plugin-names.ts'
import type { PodSecurityConfiguration } from '../../apiserver/admission/pod-security/configuration.ts'
import { type DocumentKind, readDocument } from '../../machinery/document-shape.ts'
import type { FlagReader } from './flag-reader.ts'

const flag = 'admission-control-config-file'
const documentKind: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  kind: 'AdmissionConfiguration',
  versions: ['v1', 'v1alpha1'],
  shape: { fields: { plugins: { list: { fields: { name: 'string', path: 'string', configuration: 'any' } } } } },
}
type Plugin = { readonly name?: string; readonly path?: string; readonly configuration?: unknown }

/** Undefined: nothing is said of Pod Security. Throws CliError for what cannot be used. */
export async function readPodSecurityOptions(flags: FlagReader): Promise<PodSecurityConfiguration | undefined> {
  const path = flags.text(flag)
  if (path === undefined) return undefined
  const { parsePodSecurityConfiguration } = await import('../../apiserver/admission/pod-security/configuration.ts')
  return flags.using(flag, () => {
    const { plugins = [] } = readDocument<{ readonly plugins?: readonly Plugin[] }>(readFileSync(path, 'utf8'), documentKind)
    for (const { name = '', path: file, configuration } of plugins) {
      if (!admissionPluginNames.includes(name)) throw new Error(`${JSON.stringify(name)} is no admission plugin`)
      const isConfigured = file !== undefined || configuration !== undefined
      if (isConfigured && name !== 'PodSecurity') throw new Error(`the admission plugin ${name} takes no configuration`)
    }
    const own = plugins.find(({ name }) => name === 'PodSecurity')
    // What stands in the file itself comes before another file, as upstream has it.
    if (own?.configuration !== undefined) return parsePodSecurityConfiguration(JSON.stringify(own.configuration))
    return own?.path === undefined ? undefined : parsePodSecurityConfiguration(readFileSync(resolve(dirname(path), own.path), 'utf8'))
  })
}
