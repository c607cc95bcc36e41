/** A boolean parameter of a query as upstream reads it: set when it is there, whatever it says but `0` and `false` in any case. */
export function isFlagSet(value: string | null | undefined): boolean {
  return value !== undefined && value !== null && value !== '0' && value.toLowerCase() !== 'false'
}
