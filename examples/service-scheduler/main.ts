// npm run service-scheduler -- [--namespace NS] [--name NAME] [--weight W]
// Reaches the cluster as kubectl does. Runs until it is interrupted.
import { parseArgs } from 'node:util'
import { clientFromKubeconfig, pinoLog, systemClock, systemRandom } from 'keelson/client'
import { startServiceScheduler } from './service-scheduler.ts'

const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'default' },
    name: { type: 'string', default: 'service-scheduler' },
    weight: { type: 'string', default: '1' },
  },
})
const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
const { namespace, name } = values
const { client } = clientFromKubeconfig()
const parts = { client, clock: systemClock, random: systemRandom, log: pinoLog({ level: 'warn' }) }
const scheduler = await startServiceScheduler({ ...parts, namespace, name, weight: Number(values.weight) }, stopping.signal)
console.log(`placing the pods of namespace ${namespace} that have schedulerName: ${name}`)
await scheduler.done
