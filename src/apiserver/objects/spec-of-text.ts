import { extendShared, sharedOfText } from '../../machinery/shared-value.ts'

const nodeKey = ',"nodeName":"'
/** Of which each character is one in JSON. */
const plainName = /^[a-z0-9.-]+$/

/**
 * The spec of a pod's JSON. Those of one workload are the same text but for the node, whose name comes last, as a binding puts it there: what
 * they have in common is parsed once, and looked up some ten times faster. Frozen by convention. Throws SyntaxError.
 */
export function specOfText(text: string): object {
  const at = text.lastIndexOf(nodeKey)
  const nodeName = at < 0 ? '' : text.slice(at + nodeKey.length, -2)
  if (!plainName.test(nodeName) || !text.endsWith('"}')) return sharedOfText(text)
  return extendShared(sharedOfText(`${text.slice(0, at)}}`), 'nodeName', nodeName)
}
