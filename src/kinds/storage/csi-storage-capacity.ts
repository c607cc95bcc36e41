import { fieldErrors } from '../../machinery/field-error.ts'
import type { FieldError } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegativeQuantity } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { CSIStorageCapacity } from '../generated/types/storage-v1.ts'
import { nodeSelectorWarnings } from '../node-label-warnings.ts'

export const csiStorageCapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  validate: ({ storageClassName, nodeTopology, capacity }) => {
    const errors: FieldError[] = []
    if (nodeTopology) errors.push(...validateLabelSelector(nodeTopology, 'nodeTopology'))
    for (const message of dns1123Subdomain(storageClassName ?? ''))
      errors.push(fieldErrors.invalid('storageClassName', storageClassName ?? '', message))
    if (capacity !== undefined) checkNonNegativeQuantity(errors, 'capacity', capacity)
    return errors
  },
  validateUpdate: (capacity, old) => [
    ...immutableField(capacity.nodeTopology, old.nodeTopology, 'nodeTopology'),
    ...immutableField(capacity.storageClassName, old.storageClassName, 'storageClassName'),
  ],
  warnings: ({ nodeTopology }) => nodeSelectorWarnings(nodeTopology, 'nodeTopology'),
  allowUnconditionalUpdate: false,
})
