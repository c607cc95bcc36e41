import { deepEqual } from '../../machinery/deep-equal.ts'
import type { CustomResourceDefinitionVersion } from '../generated/types/apiextensions-v1.ts'

/** Fields of versions, with the name that upstream has for one that all versions share. */
const sharedNames = {
  schema: 'validation',
  subresources: 'subresources',
  additionalPrinterColumns: 'additionalPrinterColumns',
  selectableFields: 'selectableFields',
} as const
type SharedField = keyof typeof sharedNames

function isShared(versions: readonly CustomResourceDefinitionVersion[], field: SharedField): boolean {
  return versions.length > 0 && versions.every((version) => deepEqual(version[field], versions[0]![field]))
}

/**
 * Calls `visit` with a field of every version and where it is. Upstream holds what all versions share once, at the top of the spec, and says
 * so in its messages: then it is called once.
 */
export function forEachDistinct<F extends SharedField>(
  versions: readonly CustomResourceDefinitionVersion[],
  field: F,
  visit: (value: CustomResourceDefinitionVersion[F], path: string, index: number) => void,
): void {
  if (isShared(versions, field)) visit(versions[0]![field], `spec.${sharedNames[field]}`, 0)
  else for (const [i, version] of versions.entries()) visit(version[field], `spec.versions[${i}].${field}`, i)
}
