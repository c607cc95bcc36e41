import type { FeasibleNode, RejectedNode, SchedulingExplanation } from './explanation.ts'

/** Feasible nodes whose formulas are spelled out, and rejected nodes listed one by one; the rest is counted. */
const feasibleShown = 3
const rejectedShown = 20

/** The explanation for people. Ends with a line break. */
export function explanationText(explanation: Omit<SchedulingExplanation, 'text'>): string {
  const { metadata, pod, summary, nodes, winner, suggestions, message } = explanation
  const requests = Object.entries(pod.requests)
  const lines = [
    `pod ${metadata.namespace}/${metadata.name}: ${summary}`,
    `  requests  ${requests.length === 0 ? 'nothing' : requests.map(([name, amount]) => `${name} ${amount}`).join(', ')}; priority ${pod.priority}`,
    ...(explanation.decidedAt ? [`  decided   ${explanation.decidedAt}, attempt ${explanation.attempts}`] : []),
    ...(explanation.basisNote ? [`  numbers   ${explanation.basisNote}`] : []),
    ...(message ? [`  message   ${message}`] : []),
    ...(winner ? [`  winner    ${winner.node} with ${winner.score}: ${winner.why}`] : []),
  ]
  const feasible = nodes.filter((n) => n.verdict === 'Feasible')
  const rejected = nodes.filter((n) => n.verdict === 'Rejected')
  if (feasible.length > 0) lines.push('', `feasible nodes (${feasible.length})`, ...feasibleLines(feasible))
  if (rejected.length > 0) lines.push('', `rejected nodes (${rejected.length})`, ...rejectedLines(rejected))
  if (suggestions.length > 0) lines.push('', 'what would place it', ...suggestions.map((s, i) => `  ${i + 1}. ${s.text}`))
  return `${lines.join('\n')}\n`
}

function feasibleLines(nodes: readonly FeasibleNode[]): string[] {
  const shown = nodes
    .slice(0, feasibleShown)
    .flatMap((node) => [
      `  ${node.name}  ${node.total}${node.scores.length > 0 ? ` = ${node.scores.map((s) => `${s.weight}×${s.score}`).join(' + ')}` : ''}`,
      ...node.scores.map((s) => `    ${s.plugin.padEnd(widestPlugin)}  ${s.formula}`),
    ])
  const rest = nodes.slice(feasibleShown)
  return rest.length === 0
    ? shown
    : [
        ...shown,
        `  ${rest
          .map((n) => `${n.name} ${n.total}`)
          .slice(0, rejectedShown)
          .join(', ')}${rest.length > rejectedShown ? `, and ${rest.length - rejectedShown} more` : ''}`,
      ]
}

const widestPlugin = 'NodeResourcesBalancedAllocation'.length

function rejectedLines(nodes: readonly RejectedNode[]): string[] {
  const width = Math.max(...nodes.slice(0, rejectedShown).map((n) => n.name.length))
  const shown = nodes
    .slice(0, rejectedShown)
    .map((n) => `  ${n.name.padEnd(width)}  ${n.filters.map((f) => `${f.plugin}: ${f.details.join('; ')}`).join(' | ')}`)
  return nodes.length > rejectedShown ? [...shown, `  and ${nodes.length - rejectedShown} more`] : shown
}
