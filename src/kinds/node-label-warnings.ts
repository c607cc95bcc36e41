import { labelValue } from '../machinery/names.ts'
import type { NodeSelectorTerm } from './generated/types/core-v1.ts'
import type { LabelSelector } from './generated/types/meta-v1.ts'

/** Labels of nodes that have another name now, with what upstream says of them. */
const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
}

/** What is to be said of a label; undefined: nothing. */
export function nodeLabelWarning(key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(deprecatedNodeLabels, key) ? deprecatedNodeLabels[key] : undefined
}

/** `PATH: KEY is deprecated …` for a key that a rule names at a path of its own. */
export function namedKeyWarning(path: string, key: string | undefined): string[] {
  const message = nodeLabelWarning(key)
  return message === undefined ? [] : [`${path}: ${key} is ${message}`]
}

/** `checksValues`: of a wish, whose values nobody else has judged. */
export function nodeTermWarnings(term: NodeSelectorTerm | undefined, path: string, { checksValues = false } = {}): string[] {
  return (term?.matchExpressions ?? []).flatMap(({ key, values = [] }, i) => {
    const at = `${path}.matchExpressions[${i}]`
    const ofValues = values.flatMap((value, k) => labelValue(value).map((message) => `${at}.values[${k}]: ${value} is invalid, ${message}`))
    return [...namedKeyWarning(`${at}.key`, key), ...(checksValues ? ofValues : [])]
  })
}

/** The labels of nodes that a plain selector names. */
export function nodeSelectorWarnings(selector: LabelSelector | undefined, path: string): string[] {
  const expressions = (selector?.matchExpressions ?? []).flatMap(({ key }, i) => namedKeyWarning(`${path}.matchExpressions[${i}].key`, key))
  const labels = Object.keys(selector?.matchLabels ?? {}).flatMap((label) => {
    const message = nodeLabelWarning(label)
    return message === undefined ? [] : [`${path}.matchLabels.${label}: ${message}`]
  })
  return [...expressions, ...labels]
}
