/** `keelson scheduler`: schedulers in a process of their own that share a cluster with those of its servers. */
import { hostname } from 'node:os'
import { CliError } from '../cli/cli-error.ts'
import { ClientMetrics } from '../client/client-metrics.ts'
import { createHttpClient } from '../client/http-client.ts'
import { KubeconfigError, kubeconfigPaths, loadKubeconfig, resolveContext } from '../client/kubeconfig.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { pinoLog } from '../platform/pino-log.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import { serveMetrics } from './metrics-server.ts'
import { processMetrics } from './process-metrics.ts'
import { parseSchedulerOptions, schedulerHelp } from './options/role-options.ts'
import { loadSchedulerConfiguration } from './options/scheduler-options.ts'
import { createSharedSchedulers } from './schedulers.ts'
import { stopSignal } from './stop-signal.ts'

export async function schedulerMain(argv: readonly string[]): Promise<number> {
  const options = parseSchedulerOptions(argv)
  if (!options) {
    process.stdout.write(schedulerHelp)
    return 0
  }
  const log = pinoLog({ level: options.logLevel })
  const clock = systemClock
  const random = systemRandom
  const config = await loadSchedulerConfiguration(options.scheduler)
  const connection = connectionOf(options)
  const clientMetrics = new ClientMetrics()
  const client = createHttpClient({ ...connection, userAgent: 'kube-scheduler', clock, metrics: clientMetrics })
  const informers = new InformerFactory({ client, clock, random, log })
  const name =
    options.name ??
    `${hostname()
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-')}-${random.suffix(8)}`
  const identities = Array.from({ length: options.count }, (_, i) => `${name}-${i + 1}`)
  const schedulers = createSharedSchedulers({ client, informers, clock, random, log, identities, config })
  const metrics =
    options.metricsAddress &&
    (await serveMetrics(options.metricsAddress, () => schedulers.metrics.render() + clientMetrics.text() + processMetrics()))
  const stopping = new AbortController()
  informers.start(stopping.signal)
  const running = schedulers.run(stopping.signal)
  const { stopped, release } = stopSignal()
  try {
    await Promise.race([stopped, running])
  } finally {
    release()
    stopping.abort(new Error('the scheduler is stopping'))
    await Promise.allSettled([running, informers.ended()])
    await metrics?.close()
    client.close()
  }
  return 0
}

function connectionOf({ kubeconfig, context }: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined }) {
  try {
    return resolveContext(loadKubeconfig(kubeconfigPaths(kubeconfig)), context ? { context } : {}).connection
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error
    throw new CliError(error.message, { nextStep: 'name the kubeconfig of the cluster with --kubeconfig', cause: error })
  }
}
