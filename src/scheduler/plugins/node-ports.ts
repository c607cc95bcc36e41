import { type HostPort, hostPortsCollide } from '../../kinds/host-ports.ts'
import type { Plugin, Verdict } from '../core/plugin.ts'

const noFreePorts: Verdict = { reasons: [`node(s) didn't have free ports for the requested pod ports`], isResolvable: true }

/** Two pods of one node must not ask for the same host port; the wildcard address collides with every address. */
export const nodePorts: Plugin = {
  name: 'NodePorts',
  weight: 0,
  compile: ({ snapshot, shape }) => {
    if (shape.ports.length === 0) return undefined
    const taken = (row: number): HostPort | undefined => {
      for (const { shape: other } of snapshot.podsOf(row))
        if (other.ports.length > 0) for (const port of shape.ports) if (other.ports.some((o) => hostPortsCollide(o, port))) return port
      return undefined
    }
    return {
      sharedAs: () => JSON.stringify(shape.ports),
      usageFilter: (row) => taken(row) === undefined,
      verdict: () => noFreePorts,
      reject: (row) => {
        const others = snapshot.podsOf(row).flatMap((entry) => entry.shape.ports)
        const missing = shape.ports.filter((port) => others.some((o) => hostPortsCollide(o, port)))
        return {
          ...noFreePorts,
          details: missing.map(({ protocol, ip, port }) => `host port ${ip}:${port}/${protocol} is taken`),
          remedies: missing.map(({ protocol, port }) => ({ kind: 'FreePort', port: `${port}/${protocol}` })),
          needsAll: true,
        }
      },
    }
  },
}
