/** What holds where no label says otherwise, and who is held to nothing (https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/). */
import { type DocumentKind, readDocument } from '../../../machinery/document-shape.ts'
import { describeFieldErrors, type FieldError, fieldErrors } from '../../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../../machinery/names.ts'
import { type LevelVersion, levelFault, openPolicy, parseLevel, parseVersion, type Policy, versionFault } from './policy.ts'

export type PodSecurityConfiguration = { readonly defaults: Policy; readonly exemptions: Exemptions }
export type Exemptions = {
  readonly usernames: ReadonlySet<string>
  readonly namespaces: ReadonlySet<string>
  readonly runtimeClasses: ReadonlySet<string>
}

export const defaultPodSecurity: PodSecurityConfiguration = {
  defaults: openPolicy,
  exemptions: { usernames: new Set(), namespaces: new Set(), runtimeClasses: new Set() },
}

const texts = { list: 'string' } as const
const documentKind: DocumentKind = {
  group: 'pod-security.admission.config.k8s.io',
  kind: 'PodSecurityConfiguration',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  shape: {
    fields: {
      defaults: {
        fields: {
          enforce: 'string',
          'enforce-version': 'string',
          audit: 'string',
          'audit-version': 'string',
          warn: 'string',
          'warn-version': 'string',
        },
      },
      exemptions: { fields: { usernames: texts, namespaces: texts, runtimeClasses: texts } },
    },
  },
}
type Document = {
  readonly defaults?: Readonly<Record<string, string>>
  readonly exemptions?: Readonly<Partial<Record<keyof Exemptions, readonly string[]>>>
}

/** Reads a PodSecurityConfiguration in YAML or JSON. Throws an Error with every fault, in upstream's words. */
export function parsePodSecurityConfiguration(text: string): PodSecurityConfiguration {
  const { defaults = {}, exemptions = {} } = readDocument<Document>(text, documentKind)
  const errors: FieldError[] = []
  const read = (mode: keyof Policy): LevelVersion => {
    const levelText = defaults[mode] || 'privileged'
    const versionText = defaults[`${mode}-version`] || 'latest'
    const level = parseLevel(levelText)
    const version = parseVersion(versionText)
    if (!level) errors.push(fieldErrors.invalid(`defaults.${mode}`, levelText, levelFault))
    if (version === undefined) errors.push(fieldErrors.invalid(`defaults.${mode}-version`, versionText, versionFault))
    return { level: level ?? 'restricted', version: version ?? 'latest' }
  }
  const [enforce, warn, audit] = [read('enforce'), read('warn'), read('audit')]
  const named = (of: keyof Exemptions, faults: (name: string) => readonly string[]): ReadonlySet<string> => {
    const names = new Set<string>()
    for (const [i, name] of (exemptions[of] ?? []).entries()) {
      const path = `exemptions.${of}[${i}]`
      const found = faults(name)
      if (found.length > 0) errors.push(fieldErrors.invalid(path, name, found.join(', ')))
      else if (names.has(name)) errors.push(fieldErrors.duplicate(path, name))
      names.add(name)
    }
    return names
  }
  const namespaces = named('namespaces', dns1123Label)
  const runtimeClasses = named('runtimeClasses', dns1123Subdomain)
  const usernames = named('usernames', (name) => (name === '' ? ['username must not be empty'] : []))
  if (errors.length > 0) throw new Error(describeFieldErrors(errors))
  return { defaults: { enforce, audit, warn }, exemptions: { usernames, namespaces, runtimeClasses } }
}
