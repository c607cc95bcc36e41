import { type Elements, elementsOf, type SetName } from './elements.ts'
import type { ServicePlan } from './plan.ts'
import type { TableState } from './render.ts'

/** A claim of a service on an element or chain. The oldest claim counts; the others wait in line. */
type Claim = { readonly service: string; readonly value: string }
type Slot = { claims: Claim[] }

/**
 * What all services together ask of the table, kept so that a change costs what the changed services have and no more.
 * Two services may want the same element: equal (a hairpin, a shared chain) or in conflict (one external address and port); the first keeps it.
 */
export class ServiceTable {
  /** By set; the shared maps and chains are under 'shared', which no set is called. */
  readonly #sets = new Map<SetName, Map<string, Slot>>()
  readonly #contributions = new Map<string, ReturnType<typeof elementsOf>>()
  readonly #plans = new Map<string, ServicePlan>()

  plan(service: string): ServicePlan | undefined {
    return this.#plans.get(service)
  }

  plans(): ReadonlyMap<string, ServicePlan> {
    return this.#plans
  }

  /** Takes new plans in (undefined: the service is gone) and gives the part of the state that they touch, before and after. */
  change(updates: ReadonlyMap<string, ServicePlan | undefined>): { readonly from: TableState; readonly to: TableState } {
    const before = new Map<SetName, Map<string, string | undefined>>()
    for (const [service, plan] of updates) {
      const old = this.#contributions.get(service)
      const next = plan && plan.entries.length > 0 ? elementsOf(plan) : undefined
      if (old) this.#each(old, (set, key) => this.#release(before, { set, key, service }))
      if (next) this.#each(next, (set, key, value) => this.#claim(before, { set, key, service, value }))
      if (next) this.#contributions.set(service, next)
      else this.#contributions.delete(service)
      if (plan) this.#plans.set(service, plan)
      else this.#plans.delete(service)
    }
    return { from: stateOf(before, (_set, _key, value) => value), to: stateOf(before, (set, key) => this.#value(set, key)) }
  }

  whole(): TableState {
    const all = new Map([...this.#sets].map(([set, slots]) => [set, new Map([...slots.keys()].map((key) => [key, undefined]))]))
    return stateOf(all, (set, key) => this.#value(set, key))
  }

  #value(set: SetName, key: string): string | undefined {
    return this.#sets.get(set)?.get(key)?.claims[0]?.value
  }

  #each({ elements, shared }: ReturnType<typeof elementsOf>, visit: (set: SetName, key: string, value: string) => void): void {
    for (const [set, entries] of elements) for (const [key, value] of entries) visit(set, key, value)
    for (const [name, rules] of shared) visit('shared', name, rules)
  }

  #touch(before: Map<SetName, Map<string, string | undefined>>, set: SetName, key: string): void {
    const touched = before.get(set) ?? new Map<string, string | undefined>()
    before.set(set, touched)
    if (!touched.has(key)) touched.set(key, this.#value(set, key))
  }

  #claim(before: Map<SetName, Map<string, string | undefined>>, { set, key, service, value }: { set: SetName; key: string } & Claim): void {
    this.#touch(before, set, key)
    const slots = this.#sets.get(set) ?? new Map<string, Slot>()
    this.#sets.set(set, slots)
    const slot = slots.get(key)
    if (slot) slot.claims.push({ service, value })
    else slots.set(key, { claims: [{ service, value }] })
  }

  #release(
    before: Map<SetName, Map<string, string | undefined>>,
    { set, key, service }: { set: SetName; key: string; service: string },
  ): void {
    this.#touch(before, set, key)
    const slots = this.#sets.get(set)!
    const slot = slots.get(key)!
    slot.claims = slot.claims.filter((claim) => claim.service !== service)
    if (slot.claims.length === 0) slots.delete(key)
  }
}

function stateOf(
  touched: ReadonlyMap<SetName, ReadonlyMap<string, string | undefined>>,
  valueOf: (set: SetName, key: string, before: string | undefined) => string | undefined,
): TableState {
  const elements = new Map<SetName, ReadonlyMap<string, string>>()
  let shared: ReadonlyMap<string, string> = new Map()
  for (const [set, keys] of touched) {
    const values = new Map<string, string>()
    for (const [key, before] of keys) {
      const value = valueOf(set, key, before)
      if (value !== undefined) values.set(key, value)
    }
    if (set === 'shared') shared = values
    else elements.set(set, values)
  }
  return { elements: elements as Elements, shared }
}
