import { nodes } from '../../kinds/core/node.ts'
import type { Binding, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { AdmissionPlugin } from '../contract.ts'
import type { ObjectReader } from '../objects/object-reader.ts'

const copied = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

/** A pod carries the zone and region of the node that it is bound to, so that its containers can be told of them. Its own say nothing. */
export function podTopologyLabels(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    treatsAlike: () => true,
    handles: (operation, kind, subresource) =>
      operation === 'CREATE' && kind.group === '' && kind.kind === 'Pod' && (subresource === '' || subresource === 'binding'),
    admit: ({ object, subresource }) => {
      const target = object!
      const nodeName = subresource === 'binding' ? boundTo(target as Binding) : (target as Pod).spec?.nodeName
      const labels = nodeName ? reader.labelsOf(nodes, '', nodeName) : undefined
      if (!labels) return
      for (const label of copied) {
        if (labels[label] !== undefined) target.metadata.labels = { ...target.metadata.labels, [label]: labels[label] }
      }
    },
  }
}

const boundTo = ({ target }: Binding) => (target.kind === 'Node' ? target.name : undefined)
