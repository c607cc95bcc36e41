import { fieldErrors } from '../../machinery/field-error.ts'
import { defineKind, dropStatusAndStartGeneration, keepAllButStatusStrictly, keepStatusAndCountGeneration } from '../define-kind.ts'
import type { CustomResourceDefinition } from '../generated/types/apiextensions-v1.ts'
import { validateDefinition, validateDefinitionUpdate } from './definition-validation.ts'

export const customResourceDefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  applyDefaults: ({ spec }) => {
    if (!spec) return
    if (spec.names?.kind) {
      spec.names.singular ||= spec.names.kind.toLowerCase()
      spec.names.listKind ||= `${spec.names.kind}List`
    }
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
  },
  prepareForCreate: (definition) => {
    dropStatusAndStartGeneration(definition)
    definition.status = { storedVersions: storageVersions(definition) }
  },
  prepareForUpdate: (definition, old) => {
    keepStatusAndCountGeneration(definition, old)
    const stored = definition.status?.storedVersions ?? []
    const added = storageVersions(definition).filter((version) => !stored.includes(version))
    if (added.length) definition.status = { ...definition.status, storedVersions: [...stored, ...added] }
  },
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  validateStatusUpdate: ({ spec, status }) => {
    const names = new Set(spec?.versions?.map((v) => v.name))
    return (status?.storedVersions ?? []).flatMap((version, i) =>
      names.has(version) ? [] : [fieldErrors.invalid(`status.storedVersions[${i}]`, version, 'must appear in spec.versions')],
    )
  },
  allowUnconditionalUpdate: false,
})

function storageVersions({ spec }: CustomResourceDefinition): string[] {
  return (spec?.versions ?? []).filter((version) => version.storage).map((version) => version.name)
}
