/** What the command line needs of this machine. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processConsole } from '../cli/console.ts'
import type { Machine, NetworkChoice } from '../cli/machine.ts'
import { CliError } from '../cli/cli-error.ts'
import { createNodeNamespaces, deleteNodeNamespaces, planNodeNamespaces } from '../node/machine/netns-nodes.ts'
import { authorityHash } from '../platform/pki/certificate.ts'
import { runProgram } from '../platform/run-program.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { clusterNetworkOf, ofOneFamily } from './cluster-network.ts'
import { rememberedNetwork } from './node/kept-network.ts'
import { namespacePrefix, nodeNameFile } from './node/node-paths.ts'

export function thisMachine(): Machine {
  const self = [process.execPath, ...process.execArgv, entryFile()]
  return {
    clock: systemClock,
    random: systemRandom,
    console: processConsole,
    self,
    createNodes: async (dataDir, names, network) => {
      const { gateway, nodes } = await createNodeNamespaces({
        ...ofOneFamily(namespacesOf(dataDir, network)),
        count: names.length,
      })
      return nodes.map((node, i) => ({
        nodeName: names[i]!,
        address: node.address,
        gateway,
        enter: enterCommand(node.path),
      }))
    },
    roleHelp: async (role) => {
      const [{ agentHelp, schedulerHelp }, { serverHelp }] = await Promise.all([
        import('./options/role-options.ts'),
        import('./options/server-flags.ts'),
      ])
      return { server: serverHelp(), agent: agentHelp, scheduler: schedulerHelp }[role]
    },
    caHash: async (dataDir) => authorityHash(readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8')),
    planPlacement: async (client, request) => (await import('./placement/placement-planner.ts')).planManifests(client, request),
    rebalance: async (client, request) => (await import('./placement/rebalance-cluster.ts')).rebalanceCluster(client, request),
    simulate: async (scenario) => (await import('./simulation/run-simulation.ts')).runSimulation(scenario),
    migrate: async (options) => (await import('./backup/migrate.ts')).migrateStore({ clock: systemClock, random: systemRandom }, options),
    backup: async (options) => (await import('./backup/backup.ts')).backupCluster({ clock: systemClock, random: systemRandom }, options),
    restore: async (options) => (await import('./backup/restore.ts')).restoreCluster({ clock: systemClock, random: systemRandom }, options),
    teardown: async ({ dataDir, nodeNames }) => {
      const wanted = { ...namespacesOf(dataDir), count: nodeNames.length }
      const places =
        nodeNames.length === 0
          ? [{ dir: dataDir, enter: [] }]
          : planNodeNamespaces(wanted).nodes.map((node, i) => ({
              dir: join(dataDir, 'nodes', nodeNames[i]!),
              enter: enterCommand(node.path),
            }))
      const left = places.filter(({ dir }) => existsSync(nodeNameFile(dir)))
      // A machine that was started anew has the nodes' files and not their networks.
      if (nodeNames.length > 0 && left.length > 0) await createNodeNamespaces(ofOneFamily(wanted))
      await Promise.all(left.map((place) => runSelf([...place.enter, ...self, 'node-teardown', place.dir])))
      if (nodeNames.length > 0) await deleteNodeNamespaces({ prefix: namespacePrefix(dataDir) })
    },
  }
}

const enterCommand = (path: string) => ['nsenter', `--net=${path}`]

/** `chosen`: for a cluster that has not been started yet. */
function namespacesOf(dataDir: string, chosen: NetworkChoice = {}) {
  const { podCidr: clusterCidr, serviceCidr } = rememberedNetwork(dataDir) ?? clusterNetworkOf(chosen)
  return { prefix: namespacePrefix(dataDir), clusterCidr, serviceCidr }
}

/** A hundred pods whose containers do not heed SIGTERM take minutes to end on a busy machine. */
const teardownTimeoutMs = 600_000

async function runSelf([file, ...args]: readonly string[]): Promise<void> {
  const trouble = await runProgram(file!, args, { timeoutMs: teardownTimeoutMs }).then(
    ({ code, stderr }) => (code === 0 ? undefined : stderr.trim()),
    (error: Error) => error.message.trim(),
  )
  if (trouble !== undefined)
    throw new CliError(`the node could not be taken down: ${trouble}`, { nextStep: 'mend that and run `keelson down` again' })
}

/** The file that runs this program: the bundle itself, or the entry of the sources. */
function entryFile(): string {
  const here = fileURLToPath(import.meta.url)
  return here.endsWith('.ts') ? join(dirname(here), 'main.ts') : join(dirname(here), 'keelson.js')
}
