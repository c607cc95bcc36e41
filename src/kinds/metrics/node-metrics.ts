import { column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { NodeMetrics } from './resource-metrics.ts'

/** What a node uses; measured when asked, never stored. */
export const nodeMetrics = defineKind<NodeMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: '',
  scope: 'Cluster',
  verbs: ['get', 'list'],
  schema: 'io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics',
  persisted: false,
  columns: [
    nameColumn,
    column.string('cpu', ({ usage }) => usage?.cpu ?? ''),
    column.string('memory', ({ usage }) => usage?.memory ?? ''),
    column.string('window', ({ window }) => window ?? ''),
  ],
})
