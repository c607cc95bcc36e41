import { isQuantity, parseQuantity, type Quantity, QuantityError } from '../quantity.ts'
import type { Library } from './environment.ts'
import { EvaluationError } from './evaluation-error.ts'
import { overload } from './overload.ts'
import { sizeOf, traversal } from './size.ts'
import { CelOpaque, CelTypeValue, int64Max, int64Min, type OpaqueKind } from './value.ts'

/** Quantities (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library), exact to 10⁻⁹. */
export const quantityLibrary = (): Library => ({
  types: [new CelTypeValue(quantityKind.name)],
  overloads: [
    overload('quantity(string): Quantity', (text: string) => new CelOpaque(quantityKind, quantity(text)), { cost: walk }),
    overload('isQuantity(string): bool', (text: string) => isQuantity(text), { cost: walk }),
    overload('Quantity.sign(): int', (a: CelOpaque) => BigInt(Number(nano(a) > 0n) - Number(nano(a) < 0n))),
    overload('Quantity.isInteger(): bool', (a: CelOpaque) => nano(a) % unit === 0n && isInt64(nano(a) / unit)),
    overload('Quantity.asInteger(): int', (a: CelOpaque) => {
      if (nano(a) % unit !== 0n || !isInt64(nano(a) / unit)) throw new EvaluationError('cannot convert value to integer')
      return nano(a) / unit
    }),
    overload('Quantity.asApproximateFloat(): double', (a: CelOpaque) => Number(nano(a)) / 1e9),
    overload('Quantity.isGreaterThan(Quantity): bool', (a: CelOpaque, b: CelOpaque) => nano(a) > nano(b)),
    overload('Quantity.isLessThan(Quantity): bool', (a: CelOpaque, b: CelOpaque) => nano(a) < nano(b)),
    overload('Quantity.compareTo(Quantity): int', (a: CelOpaque, b: CelOpaque) =>
      BigInt(Number(nano(a) > nano(b)) - Number(nano(a) < nano(b))),
    ),
    overload('Quantity.add(Quantity): Quantity', (a: CelOpaque, b: CelOpaque) => changed(a, nano(a) + nano(b))),
    overload('Quantity.add(int): Quantity', (a: CelOpaque, b: bigint) => changed(a, nano(a) + b * unit)),
    overload('Quantity.sub(Quantity): Quantity', (a: CelOpaque, b: CelOpaque) => changed(a, nano(a) - nano(b))),
    overload('Quantity.sub(int): Quantity', (a: CelOpaque, b: bigint) => changed(a, nano(a) - b * unit)),
  ],
})

const unit = 1_000_000_000n
const nano = ({ content }: CelOpaque) => (content as Quantity).nano
const isInt64 = (value: bigint) => value >= int64Min && value <= int64Max
const walk = (text: string) => traversal(sizeOf(text))
const quantityKind: OpaqueKind = { name: 'kubernetes.Quantity', equals: (a, b) => (a as Quantity).nano === (b as Quantity).nano }
const changed = (a: CelOpaque, amount: bigint) => new CelOpaque(quantityKind, { ...(a.content as Quantity), nano: amount })

/** The value of a variable of the type `celTypes.opaque('kubernetes.Quantity')`. Throws EvaluationError for text that is no quantity. */
export const quantityOfText = (text: string) => new CelOpaque(quantityKind, quantity(text))

function quantity(text: string): Quantity {
  try {
    return parseQuantity(text)
  } catch (error) {
    if (error instanceof QuantityError) throw new EvaluationError(error.message)
    throw error
  }
}
