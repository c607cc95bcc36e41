import { readFileSync } from 'node:fs'

/** Linux capability numbers that the platform asks for (capabilities(7)). */
const numbers = { NET_ADMIN: 12, SYS_ADMIN: 21, SYS_RESOURCE: 24 } as const

export type Capability = keyof typeof numbers

/** Whether this process has the capability in effect, from the text of /proc/self/status. */
export function hasCapability(capability: Capability, status = readFileSync('/proc/self/status', 'utf8')): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(numbers[capability])) & 1n) === 1n
}
