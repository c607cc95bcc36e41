import { type HostPort, hostPortsCollide } from '../../kinds/host-ports.ts'
import type { Plugin } from '../core/plugin.ts'

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
      reject: (row) => {
        const { protocol, ip, port } = taken(row)!
        return {
          reasons: [`node(s) didn't have free ports for the requested pod ports`],
          isResolvable: true,
          details: [`host port ${ip}:${port}/${protocol} is taken`],
          remedies: [{ kind: 'FreePort', port: `${port}/${protocol}` }],
        }
      },
    }
  },
}
