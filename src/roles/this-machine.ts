/** What the command line needs of this machine. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processConsole } from '../cli/console.ts'
import type { Machine } from '../cli/machine.ts'
import { silentLog } from '../base/log.ts'
import { createNodeNamespaces, deleteNodeNamespaces } from '../node/machine/netns-nodes.ts'
import { authorityHash } from '../platform/pki/certificate.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { clusterNetwork } from './cluster-network.ts'

export function thisMachine(): Machine {
  return {
    clock: systemClock,
    random: systemRandom,
    console: processConsole,
    self: [process.execPath, ...process.execArgv, entryFile()],
    createNodes: async (dataDir, names) => {
      const { gateway, nodes } = await createNodeNamespaces({
        prefix: namespacePrefix(dataDir),
        count: names.length,
        clusterCidr: clusterNetwork.podCidr,
        serviceCidr: clusterNetwork.serviceCidr,
      })
      return nodes.map((node, i) => ({
        nodeName: names[i]!,
        address: node.address,
        gateway,
        enter: ['nsenter', `--net=${node.path}`],
      }))
    },
    caHash: async (dataDir) => authorityHash(readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8')),
    teardown: async ({ dataDir, nodeNames }) => {
      const { teardownNode } = await import('./node-teardown.ts')
      const places = nodeNames.map((name) => join(dataDir, 'nodes', name))
      for (const place of nodeNames.length > 0 ? places : [dataDir]) {
        if (existsSync(place))
          await teardownNode({
            dataDir: place,
            isOnlyNode: nodeNames.length === 0,
            clock: systemClock,
            random: systemRandom,
            log: silentLog,
          })
      }
      if (nodeNames.length > 0) await deleteNodeNamespaces({ prefix: namespacePrefix(dataDir) })
    },
  }
}

/** Short and unique a data directory: names of interfaces have at most 15 characters. */
export function namespacePrefix(dataDir: string): string {
  return `ks${createHash('sha256').update(dataDir).digest('hex').slice(0, 4)}`
}

/** The file that runs this program: the bundle itself, or the entry of the sources. */
function entryFile(): string {
  const here = fileURLToPath(import.meta.url)
  return here.endsWith('.ts') ? join(dirname(here), 'main.ts') : join(dirname(here), 'keelson.js')
}
