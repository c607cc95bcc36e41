import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import { matches, type Selector, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf } from '../../machinery/object.ts'
import type { RebalancePolicy } from './rebalance-policy.ts'

/** What one run may still disrupt: by the disruption budgets of the cluster and by the limits of its policy. */
export class DisruptionAllowance {
  readonly #policy: RebalancePolicy
  readonly #budgets: readonly { readonly budget: PodDisruptionBudget; readonly selector: Selector }[]
  readonly #taken = new Map<string, number>()

  constructor(budgets: readonly PodDisruptionBudget[], policy: RebalancePolicy) {
    this.#policy = policy
    this.#budgets = budgets.map((budget) => ({ budget, selector: selectorFrom(budget.spec?.selector) }))
  }

  /** What forbids to move the pod now; undefined: nothing. */
  obstacle(pod: Pod, nodeName: string): string | undefined {
    for (const { key, max, text } of this.#limits(pod, nodeName)) if ((this.#taken.get(key) ?? 0) >= max) return text
    return undefined
  }

  take(pod: Pod, nodeName: string): void {
    for (const { key } of this.#limits(pod, nodeName)) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1)
  }

  #limits(pod: Pod, nodeName: string): readonly { readonly key: string; readonly max: number; readonly text: string }[] {
    const { movesMax, movesPerNodeMax, movesPerNamespaceMax, movesPerOwnerMax } = this.#policy
    const { namespace, labels } = pod.metadata
    const owner = controllerOf(pod)?.uid ?? ''
    const budgets = this.#budgets.filter(
      ({ budget, selector }) => selector && budget.metadata.namespace === namespace && matches(selector, labels ?? {}),
    )
    return [
      ...budgets.map(({ budget }) => {
        const allowed = budget.status?.disruptionsAllowed ?? 0
        return { key: `budget ${keyOf(budget)}`, max: allowed, text: `budget ${keyOf(budget)} allows ${allowed} disruptions now` }
      }),
      { key: `owner ${owner}`, max: movesPerOwnerMax, text: `only ${movesPerOwnerMax} pods of one owner move in one run` },
      { key: `node ${nodeName}`, max: movesPerNodeMax, text: `only ${movesPerNodeMax} pods of one node move in one run` },
      {
        key: `namespace ${namespace}`,
        max: movesPerNamespaceMax,
        text: `only ${movesPerNamespaceMax} pods of one namespace move in one run`,
      },
      { key: 'all', max: movesMax, text: `only ${movesMax} pods move in one run` },
    ]
  }
}
