// Clients that fight over few objects of a server in a process of its own, for as long as wanted; it may be killed meanwhile.
// Usage: node test/fuzz/contend-with-server.ts [--seed 1] [--clients 8] [--acts 100] [--pause-ms 5] [--kills 0] [--store etcd://…]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/base/random.ts'
import { clientFromKubeconfig } from '../../src/client/kubeconfig.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { freePort, startServerProcess } from '../integration/server-process.ts'
import { contend } from './contention.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '8' },
    acts: { type: 'string', default: '100' },
    'pause-ms': { type: 'string', default: '5' },
    kills: { type: 'string', default: '0' },
    store: { type: 'string' },
  },
})
const [seed, clientCount, acts, pauseMs, kills] = [values.seed, values.clients, values.acts, values['pause-ms'], values.kills].map(Number)
const betweenKillsMs = 5_000

const dataDir = await mkdtemp(join(tmpdir(), 'keelson-contention-'))
const port = await freePort()
const args = ['--runtime', 'fake', '--nodes', '2', ...(values.store ? ['--store', values.store] : [])]
let server = await startServerProcess({ dataDir, port, args })

/** Ends with the fight. */
const over = new AbortController()
async function killNowAndThen(): Promise<void> {
  const random = seededRandom(seed!)
  for (let i = 0; i < kills! && !over.signal.aborted; i++) {
    await setTimeout(betweenKillsMs * (0.5 + random.next()), undefined, { signal: over.signal }).catch(() => {})
    await server.kill()
    server = await startServerProcess({ dataDir, port, args })
  }
}

const client = () => clientFromKubeconfig({ paths: [join(dataDir, 'admin.kubeconfig')] }).client
const killing = killNowAndThen()
const { faults, lateWrites, counts, events } = await contend({
  clients: Array.from({ length: clientCount! }, client),
  observer: client(),
  clock: systemClock,
  seed: seed!,
  acts: acts!,
  pauseMs: pauseMs!,
  nodesDie: kills! > 0,
  mayFail: (reason) => kills! > 0 && reason === 'ServiceUnavailable',
})
over.abort()
await killing
await server.stop()
await rm(dataDir, { recursive: true })
for (const [line, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${count} ${line}`)
console.log(`${events} events, ${faults.length} faults, ${lateWrites.length} late writes`)
for (const fault of [...faults, ...lateWrites]) console.error(fault)
process.exitCode = faults.length + lateWrites.length > 0 ? 1 : 0
