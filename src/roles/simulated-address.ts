/**
 * The addresses of simulated nodes: of 198.18.0.0/15, which RFC 2544 keeps for trials and nobody routes. Not of the loopback range: no
 * endpoint may have such an address, and pods of the node's own network are endpoints.
 */
const first = (198 << 24) | (18 << 16)
const addressesMax = 2 ** 17 - 2

/** The address of the node with this number, from 0. */
export function simulatedAddress(number: number): string {
  // Past the last there are as many nodes as no process holds.
  const value = first + 1 + (number % addressesMax)
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

/** Whether it is, or could be, the address of a simulated node. */
export function isSimulatedAddress(address: string): boolean {
  return /^198\.1[89]\.\d+\.\d+$/.test(address)
}
