// Clients that fight over few objects of servers in processes of their own, for as long as wanted. Meanwhile servers may be killed or
// frozen, one after another, and members of their etcd killed or frozen, one at a time.
// Usage: node test/fuzz/contend-with-server.ts [--seed 1] [--clients 8] [--acts 100] [--pause-ms 5] [--kills 0]
//          [--servers 1] [--freezes 0] [--members 0] [--stops 0]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Client } from '../../src/client/contract.ts'
import { clientFromKubeconfig } from '../../src/client/kubeconfig.ts'
import { createRestClient } from '../../src/client/rest-client.ts'
import { authorityHash } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { type EtcdCluster, startEtcdCluster } from '../integration/etcd-cluster.ts'
import { freePort, keelson, type ServerProcess, startServerProcess } from '../integration/server-process.ts'
import { contend } from './contention.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '8' },
    acts: { type: 'string', default: '100' },
    'pause-ms': { type: 'string', default: '5' },
    kills: { type: 'string', default: '0' },
    servers: { type: 'string', default: '1' },
    freezes: { type: 'string', default: '0' },
    /** Of etcd; 0: SQLite. */
    members: { type: 'string', default: '0' },
    stops: { type: 'string', default: '0' },
  },
})
const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)])) as Record<
  keyof typeof values,
  number
>
const { seed, kills, stops, freezes } = numbers
const betweenKillsMs = 5_000
const betweenStopsMs = 4_000
const stopMs = 6_000
/** So long that the lease of who leads runs out. */
const freezeMs = 20_000

const directory = mkdtempSync(join(tmpdir(), 'keelson-contention-'))
const etcd = numbers.members > 0 ? await startEtcdCluster({ members: numbers.members }) : undefined
const servers: Server[] = []
type Server = { readonly restart: () => Promise<void>; process: ServerProcess }

async function startServers(store: EtcdCluster | undefined): Promise<void> {
  for (let i = 0; i < numbers.servers; i++) {
    const dataDir = join(directory, `server-${i}`)
    const port = await freePort()
    const nodes = i === numbers.servers - 1 ? ['--runtime', 'fake', '--nodes', '2'] : ['--runtime', 'none']
    const storeFlag = store ? ['--store', `etcd://${store.endpoints.join(',')}`] : []
    const joining = i === 0 ? { args: storeFlag, env: {} } : await joinAt(servers[0]!.process)
    const server: Server = {
      process: await startServerProcess({ dataDir, port, args: [...nodes, ...joining.args], env: joining.env }),
      restart: async () => {
        server.process = await startServerProcess({ dataDir, port, args: [...nodes, ...(i === 0 ? storeFlag : [])] })
      },
    }
    servers.push(server)
  }
}

async function joinAt({ dataDir, url }: ServerProcess) {
  const { stdout, stderr, code } = await keelson(['token', 'create', '--quiet', '--server', '--data-dir', dataDir])
  if (code !== 0) throw new Error(stderr)
  const caHash = authorityHash(readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8'))
  return { args: ['--join', url, '--ca-hash', caHash], env: { KEELSON_TOKEN: stdout.trim() } }
}

/** Ends with the fight. */
const over = new AbortController()
const pause = (ms: number) => setTimeout(ms, undefined, { signal: over.signal }).catch(() => {})

async function killServers(random: Random): Promise<void> {
  // The last server has the nodes: where there are others it lives, and so do they.
  const mortals = servers.length > 1 ? servers.slice(0, -1) : servers
  for (let i = 0; i < kills && !over.signal.aborted; i++) {
    await pause(betweenKillsMs * (0.5 + random.next()))
    const server = mortals[i % mortals.length]!
    await server.process.kill()
    if (random.below(2) === 0) await pause(random.next() * 2 * betweenKillsMs)
    await server.restart()
  }
}

async function freezeServers(random: Random): Promise<void> {
  for (let i = 0; i < freezes && !over.signal.aborted; i++) {
    await pause(betweenKillsMs * (0.5 + random.next()))
    const { process: frozen } = servers[i % servers.length]!
    frozen.freeze()
    await pause(freezeMs * (0.5 + random.next()))
    frozen.thaw()
  }
}

async function stopMembers(random: Random): Promise<void> {
  for (let i = 0; etcd && i < stops && !over.signal.aborted; i++) {
    await pause(betweenStopsMs * (0.5 + random.next()))
    const member = i % 2 === 0 ? await etcd.leader() : random.below(numbers.members)
    const isFrozen = random.below(2) === 0
    if (isFrozen) etcd.pause(member)
    else await etcd.kill(member)
    await pause(random.next() * stopMs)
    if (isFrozen) etcd.resume(member)
    else await etcd.restart(member)
  }
}

const clientOf = (i: number) =>
  clientFromKubeconfig({ paths: [join(directory, `server-${i % servers.length}`, 'admin.kubeconfig')] }).client
/** Every request goes to another server, as through a balancer. */
function balanced(): Client {
  const clients = servers.map((_, i) => clientOf(i))
  let count = 0
  return createRestClient({ clock: systemClock, transport: (request) => clients[count++ % clients.length]!.raw(request) })
}

let troubles: Promise<unknown> = Promise.resolve()
const trouble = {
  begin: () =>
    void (troubles = Promise.all([
      killServers(seededRandom(seed)),
      stopMembers(seededRandom(seed + 1)),
      freezeServers(seededRandom(seed + 2)),
    ])),
  end: async () => {
    over.abort()
    await troubles
  },
}

async function fight() {
  try {
    await startServers(etcd)
    return await contend({
      clients: Array.from({ length: numbers.clients }, (_, i) => (i % (servers.length + 1) === servers.length ? balanced() : clientOf(i))),
      observer: balanced(),
      clock: systemClock,
      seed,
      acts: numbers.acts,
      pauseMs: numbers['pause-ms'],
      trouble,
      nodesDie: kills > 0 && servers.length === 1,
      mayFail: (reason) => kills + stops + freezes > 0 && reason === 'ServiceUnavailable',
    })
  } finally {
    await trouble.end()
    for (const server of servers) await server.process.stop()
    await etcd?.close()
    rmSync(directory, { recursive: true })
  }
}

const { faults, lateWrites, counts, events, restarts } = await fight()
for (const [line, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${count} ${line}`)
console.log(`${events} events, ${restarts} restarts of watches, ${faults.length} faults, ${lateWrites.length} late writes`)
for (const fault of [...faults, ...lateWrites]) console.error(fault)
process.exitCode = faults.length + lateWrites.length > 0 ? 1 : 0
