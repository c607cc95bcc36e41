import type { Move, RebalancePlan, Stay } from './rebalance-plan.ts'

const shownMax = 50

/** The plan for people. Ends with a line break. */
export function rebalanceText({ moves, stays }: RebalancePlan): string {
  const lines = [
    moves.length === 0 ? 'nothing should move' : `${moves.length} ${moves.length === 1 ? 'pod' : 'pods'} should move`,
    ...shown(moves.flatMap(moveLines)),
  ]
  if (stays.length > 0) lines.push('', `${stays.length} stay, though in the wrong place`, ...shown(stays.flatMap(stayLines)))
  return `${lines.join('\n')}\n`
}

const moveLines = ({ pod, of, from, to, why, gain, gainText }: Move) => [
  `  ${pod} (${of}): ${from} → ${to}, gains ${gain} %`,
  `    why    ${why}`,
  `    gain   ${gainText}`,
]

const stayLines = ({ pod, of, on, why, because }: Stay) => [`  ${pod} (${of}) on ${on}: ${because}`, `    why    ${why}`]

function shown(lines: readonly string[]): readonly string[] {
  return lines.length > shownMax ? [...lines.slice(0, shownMax), `  and more: see -o json`] : lines
}
