import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { AdmissionPlugin } from '../contract.ts'

const notReady = 'node.kubernetes.io/not-ready'

/** A new node takes no pods before the node lifecycle controller has seen it Ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  handles: (operation, kind, subresource) => operation === 'CREATE' && subresource === '' && kind.group === '' && kind.kind === 'Node',
  admit: ({ object }) => {
    const node = object as Node
    const taints = node.spec?.taints ?? []
    if (taints.some(({ key, effect }) => key === notReady && effect === 'NoSchedule')) return
    node.spec = { ...node.spec, taints: [...taints, { key: notReady, effect: 'NoSchedule' }] }
  },
}
