import { column, formatLabels, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { PodTemplate } from '../generated/types/core-v1.ts'
import { applyTemplateDefaults } from './pod-template/defaults.ts'
import { templateWarnings } from './pod-template/pod-warnings.ts'
import { validatePodTemplate } from './pod-template/validate-pod-spec.ts'
import { containerImages, containerNames } from './pod-template/workload-template.ts'

export const podTemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  applyDefaults: applyTemplateDefaults,
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ template }) => validatePodTemplate(template, 'template'),
  warnings: ({ template }) => templateWarnings(template, 'template'),
  columns: [
    nameColumn,
    column.string('Containers', ({ template }) => containerNames(template)),
    column.string('Images', ({ template }) => containerImages(template)),
    column.string('Pod Labels', ({ template }) => formatLabels(template?.metadata?.labels)),
  ],
})
