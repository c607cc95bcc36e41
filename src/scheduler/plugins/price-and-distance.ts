import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { Plugin } from '../core/plugin.ts'

export type PriceAndDistanceArgs = {
  /** Labels or annotations of nodes with a number each; a node without one counts with the default. */
  readonly priceKey: string
  readonly distanceKey: string
  readonly priceWeight: number
  readonly distanceWeight: number
  readonly defaultPrice: number
  readonly defaultDistance: number
}

export const defaultPriceAndDistance: PriceAndDistanceArgs = {
  priceKey: 'keelson.dev/price',
  distanceKey: 'keelson.dev/distance',
  priceWeight: 1,
  distanceWeight: 1,
  defaultPrice: 0,
  defaultDistance: 0,
}

/** Costs are compared to the thousandth. */
const precision = 1_000
const costMax = 2 ** 40

/** w_price × price + w_distance × distance, in thousandths, at most 2⁴⁰. */
export function costOf(args: Pick<PriceAndDistanceArgs, 'priceWeight' | 'distanceWeight'>, price: number, distance: number): number {
  return Math.min(costMax, Math.round(precision * (args.priceWeight * price + args.distanceWeight * distance)))
}

/** ⌊100 × (max − cost)/(max − min)⌋ over the feasible nodes; 100 where all cost the same. */
export function costNormalise(cost: number, min: number, max: number): number {
  return max > min ? Math.trunc((100 * (max - cost)) / (max - min)) : 100
}

/**
 * Prefers nodes that are cheap and near: made for nodes that stand for whole clusters, whose price and distance are written on them. Off
 * by default.
 */
export function priceAndDistance(args: PriceAndDistanceArgs): Plugin {
  return {
    name: 'PriceAndDistance',
    weight: 1,
    compile: ({ snapshot }) => {
      const numbers = (row: number) => {
        const node = snapshot.nodes[row]!
        return {
          price: numberAt(node, args.priceKey) ?? args.defaultPrice,
          distance: numberAt(node, args.distanceKey) ?? args.defaultDistance,
        }
      }
      return {
        sharedAs: () => '',
        staticRaw: (row) => {
          const { price, distance } = numbers(row)
          return costOf(args, price, distance)
        },
        normalise: costNormalise,
        explainScore: (row, { min, max, score }) => {
          const { price, distance } = numbers(row)
          const cost = `cost ${args.priceWeight}×${price} + ${args.distanceWeight}×${distance}`
          if (max === min) return `${cost}, as on every other node = ${score}`
          return `⌊100 × (${max / precision} − ${costOf(args, price, distance) / precision})/(${max / precision} − ${min / precision})⌋ = ${score} (${cost})`
        },
      }
    },
  }
}

/** Not negative; anything else counts as missing. */
function numberAt({ metadata }: Node, key: string): number | undefined {
  const text = metadata.labels?.[key] ?? metadata.annotations?.[key]
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
