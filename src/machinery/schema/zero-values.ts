import type { SchemaNode } from './schema-node.ts'

/**
 * What upstream's server writes of a field that is empty: its Go structs hold parts by value (`status: {}`, `resources: {}`) and fields that
 * are written whatever they hold (`numberReady: 0`), which of a time, a list or a pointer is null. By definition and field.
 */
export type ZeroValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The other way round: by definition the scalar fields that upstream's server leaves out where they hold nothing. */
export type OmittedZeros = Readonly<Record<string, readonly string[]>>

/** Whether what is written of an empty field is an empty part, each object's own. */
export const isPart = (zero: unknown): zero is object => typeof zero === 'object' && zero !== null

/** Fills what is missing, in place, and gives the value. */
export type FillZeroValues = (node: SchemaNode, value: unknown) => void

type Part = readonly [field: string, node: SchemaNode]
type Plan = { readonly zeros: readonly (readonly [field: string, zero: unknown])[]; readonly parts: readonly Part[] }

/** Plans are made on first use; a type that leads to nothing is never walked. */
export function zeroValueFiller(zeros: ZeroValues): FillZeroValues {
  const plans = new Map<SchemaNode, Plan>()
  const leading = new Map<SchemaNode, boolean>()

  function leads(node: SchemaNode): boolean {
    const known = leading.get(node)
    if (known !== undefined) return known
    // Until it is known: a type that holds itself leads where its other fields do.
    leading.set(node, false)
    const hasOwn = node.name !== undefined && zeros[node.name] !== undefined
    const result = hasOwn || (node.element !== undefined && leads(node.element)) || [...node.fields.values()].some(leads)
    leading.set(node, result)
    return result
  }

  function planOf(node: SchemaNode): Plan {
    let plan = plans.get(node)
    if (!plan) {
      const own = node.name === undefined ? undefined : zeros[node.name]
      plan = { zeros: Object.entries(own ?? {}), parts: [...node.fields].filter(([, child]) => leads(child)) }
      plans.set(node, plan)
    }
    return plan
  }

  function fill(node: SchemaNode, value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const { element } = node
    if (element) {
      if (!leads(element)) return
      for (const item of Array.isArray(value) ? value : Object.values(value)) fill(element, item)
      return
    }
    const object = value as Record<string, unknown>
    const plan = planOf(node)
    // By index: objects are filled all the time, and what walks a list leaves garbage.
    for (let i = 0; i < plan.zeros.length; i++) {
      const [field, zero] = plan.zeros[i]!
      if (object[field] === undefined || (object[field] === null && zero !== null)) object[field] = isPart(zero) ? {} : zero
    }
    for (let i = 0; i < plan.parts.length; i++) {
      const part = plan.parts[i]!
      const below = object[part[0]]
      if (typeof below === 'object') fill(part[1], below)
    }
  }

  return fill
}
