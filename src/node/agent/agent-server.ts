import type { AgentBase } from './agent-base.ts'
import { delegatedAccess } from '../server/node-access.ts'
import type { NodeRoutes } from '../server/node-routes.ts'
import { createLocalNodeServer, type NodeServer, startNodeServer } from '../server/node-server.ts'
import type { NodeDoor } from '../node-agent.ts'

/** Serves the node's API: by HTTPS, at a door for callers in this process, or not at all. */
export async function serveNode({ options }: AgentBase, routes: () => NodeRoutes): Promise<NodeServer | undefined> {
  const { client, clock, log, nodeName, server, door } = options
  if (server) return startNodeServer({ ...server, log, access: delegatedAccess({ client, clock, nodeName }), routes: routes() })
  return door && serveAt(door, createLocalNodeServer({ log, routes: routes() }))
}

function serveAt(door: NodeDoor, local: ReturnType<typeof createLocalNodeServer>): NodeServer {
  const shut = door.open((connection) => local.accept(connection))
  return {
    port: door.port,
    close: async () => {
      shut()
      local.close()
    },
  }
}
