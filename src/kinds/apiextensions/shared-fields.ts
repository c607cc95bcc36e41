import { deepEqual } from '../../machinery/deep-equal.ts'
import type { CustomResourceDefinitionVersion } from '../generated/types/apiextensions-v1.ts'

/** Fields of versions, with the name that upstream has for one that all versions share. */
const sharedNames = {
  schema: 'validation',
  subresources: 'subresources',
  additionalPrinterColumns: 'additionalPrinterColumns',
  selectableFields: 'selectableFields',
} as const
export type SharedField = keyof typeof sharedNames

/** Whether all versions have the same, which upstream holds once. */
export function isShared(versions: readonly CustomResourceDefinitionVersion[], field: SharedField): boolean {
  return versions.length > 0 && versions.every((version) => deepEqual(version[field], versions[0]![field]))
}

/** Where upstream says that a field is which all versions share. */
export const sharedPath = (field: SharedField) => `spec.${sharedNames[field]}`
