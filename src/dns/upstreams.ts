import type { Upstream } from './forwarder.ts'

/** The resolvers that a resolv.conf names, without `own` (asking ourselves would loop); at most three, as resolvers do. */
export function parseResolvConf(text: string, own: readonly string[]): Upstream[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)]
    .map((m) => m[1]!)
    .filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address) && !own.includes(address))
    .slice(0, 3)
    .map((address) => ({ address, port: 53 }))
}
