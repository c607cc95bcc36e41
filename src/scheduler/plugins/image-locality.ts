import { amountText } from '../../kinds/amount-text.ts'
import { imageLocalityScore, scaledImageBytes } from '../core/score-formulas.ts'
import type { Plugin } from '../core/plugin.ts'

/** Prefers nodes that have the pod's images already, the larger the better, damped where few nodes have them. */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  weight: 1,
  compile: ({ snapshot, shape }) => {
    const images = shape.images.filter((name) => snapshot.images.rowsWith(name) !== undefined)
    if (images.length === 0) return undefined
    const sum = (row: number): number => {
      let bytes = 0
      for (const name of images) {
        const rows = snapshot.images.rowsWith(name)
        const size = rows?.get(row)
        if (rows && size !== undefined) bytes += scaledImageBytes(size, rows.size, snapshot.nodeCount)
      }
      return bytes
    }
    return {
      sharedAs: () => JSON.stringify(shape.images),
      staticScore: (row) => imageLocalityScore(sum(row), shape.images.length),
      explainScore: (row, { score }) =>
        `images present, scaled by their spread over nodes: ${amountText('memory', sum(row))}; between 23Mi and ${1000 * shape.images.length}Mi = ${score}`,
    }
  },
}
