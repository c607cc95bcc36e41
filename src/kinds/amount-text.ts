const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const

/** An amount for people: cpu as `1650m`, bytes exactly in the largest binary unit that divides them, counts as they are. */
export function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return `${amount}m`
  if (resource !== 'memory' && resource !== 'ephemeral-storage' && !resource.startsWith('hugepages-')) return String(amount)
  let value = amount
  let unit = 0
  while (value !== 0 && value % 1024 === 0 && unit < binaryUnits.length - 1) {
    value /= 1024
    unit++
  }
  return `${value}${binaryUnits[unit]}`
}
