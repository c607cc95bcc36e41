import { column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ComponentStatus } from '../generated/types/core-v1.ts'

/** Health of the control plane's parts; computed when asked, never stored. */
export const componentStatuses = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  shortNames: ['cs'],
  persisted: false,
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    column.string('Status', ({ conditions }) => {
      const condition = healthy({ conditions })
      if (!condition) return 'Unknown'
      return condition.status === 'True' ? 'Healthy' : 'Unhealthy'
    }),
    column.string('Message', ({ conditions }) => healthy({ conditions })?.message ?? ''),
    column.string('Error', ({ conditions }) => healthy({ conditions })?.error ?? ''),
  ],
})

function healthy({ conditions }: { conditions: ComponentStatus['conditions'] }) {
  return conditions?.find((c) => c.type === 'Healthy')
}
