import { defineKind, dropStatusAndStartGeneration, keepStatusAndCountGeneration } from '../define-kind.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../generated/types/apiextensions-v1.ts'
import { validateDefinition, validateDefinitionNames } from './definition-validation.ts'
import { unknownFormats } from './schema-validation.ts'

/** Holds a definition until the API server has removed its instances. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

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
    definition.status = { acceptedNames: { kind: '', plural: '' }, storedVersions: storageVersions(definition).slice(0, 1) }
  },
  prepareForUpdate: (definition, old) => {
    keepStatusAndCountGeneration(definition, old)
    const stored = definition.status?.storedVersions ?? []
    const added = storageVersions(definition).filter((version) => !stored.includes(version))
    if (added.length) definition.status = { ...definition.status, storedVersions: [...stored, ...added] }
  },
  validate: validateDefinition,
  prepareForDelete: (definition, now) => {
    const { metadata } = definition
    if (!metadata.finalizers?.includes(cleanupFinalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer]
    const ending: CustomResourceDefinitionCondition = {
      lastTransitionTime: now,
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      reason: 'InstanceDeletionPending',
      status: 'True',
      type: 'Terminating',
    }
    const others = (definition.status?.conditions ?? []).filter((c) => c.type !== 'Terminating')
    definition.status = { ...definition.status, conditions: [...others, ending] }
  },
  // Which versions are stored is the word of whoever migrates them.
  validateStatusUpdate: ({ status }) =>
    status?.acceptedNames ? validateDefinitionNames(status.acceptedNames, 'status.acceptedNames') : [],
  warnings: ({ spec }, old) => {
    const known = unknownFormats(old?.spec)
    return unknownFormats(spec)
      .filter((format) => !known.includes(format))
      .map((format) => `unrecognized format ${JSON.stringify(format)}`)
  },
  allowUnconditionalUpdate: false,
})

function storageVersions({ spec }: CustomResourceDefinition): string[] {
  return (spec?.versions ?? []).filter((version) => version.storage).map((version) => version.name)
}
