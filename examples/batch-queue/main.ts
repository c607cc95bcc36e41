// npm run batch-queue -- [--namespace NS] [--name NAME] [--tasks N] [--weight W] [--image IMAGE] [--cpu Q] [--memory Q]
// Reaches the cluster as kubectl does. Ends when every task has succeeded.
import { parseArgs } from 'node:util'
import { clientFromKubeconfig, pinoLog, systemClock, systemRandom } from 'keelson/client'
import { startBatchQueue } from './batch-queue.ts'

const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'default' },
    name: { type: 'string', default: 'batch-queue' },
    tasks: { type: 'string', default: '20' },
    weight: { type: 'string', default: '1' },
    image: { type: 'string', default: 'task:1' },
    cpu: { type: 'string', default: '500m' },
    memory: { type: 'string', default: '128Mi' },
    // What simulated nodes do with the pods; real ones do not look at it.
    'seconds-on-fake-nodes': { type: 'string', default: '5' },
  },
})
const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
const fake = JSON.stringify({ exitAfterMs: Number(values['seconds-on-fake-nodes']) * 1_000, exitCode: 0 })
const queue = await startBatchQueue(
  {
    client: clientFromKubeconfig().client,
    clock: systemClock,
    random: systemRandom,
    log: pinoLog({ level: 'warn' }),
    namespace: values.namespace,
    name: values.name,
    weight: Number(values.weight),
    tasks: Number(values.tasks),
    image: values.image,
    requests: { cpu: values.cpu, memory: values.memory },
    annotations: { 'fake.keelson.dev/task': fake },
  },
  stopping.signal,
)
const { succeeded, pods } = await queue.done
console.log(`${succeeded} of ${values.tasks} tasks succeeded, in ${pods} pods`)
process.exit(succeeded === Number(values.tasks) ? 0 : 1)
