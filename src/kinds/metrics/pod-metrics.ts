import { addQuantity } from '../../machinery/quantity.ts'
import { column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { PodMetrics } from './resource-metrics.ts'

/** What the containers of a pod use; measured when asked, never stored. */
export const podMetrics = defineKind<PodMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  singular: '',
  scope: 'Namespaced',
  verbs: ['get', 'list'],
  schema: 'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics',
  persisted: false,
  columns: [
    nameColumn,
    column.string('cpu', (pod) => total(pod, 'cpu')),
    column.string('memory', (pod) => total(pod, 'memory')),
    column.string('window', ({ window }) => window ?? ''),
  ],
})

function total({ containers }: PodMetrics, resource: 'cpu' | 'memory'): string {
  return (containers ?? []).reduce((sum, { usage }) => addQuantity(sum, usage[resource]), '0')
}
