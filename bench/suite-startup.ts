import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SuiteOptions } from './main.ts'
import { once, samplePod } from './load.ts'
import { cpuSeconds, median, report, residentMiB } from './measure.ts'
import { startOwnServer } from './own-server.ts'

/** From exec to a ready API, the first pod bound, and what an idle control plane costs. */
export async function startupSuite(options: SuiteOptions): Promise<void> {
  const fresh: number[] = []
  const warm: number[] = []
  const bound: number[] = []
  for (let round = 0; round < 5; round++) {
    // The first time there are no keys, no data and no compiled code; later there are.
    const compileCache = mkdtempSync(join(tmpdir(), 'keelson-bench-cache-'))
    const first = await startOwnServer({ nodes: 1, compileCache })
    fresh.push(first.readyMs)
    await first.stop({ keepData: true })
    const second = await startOwnServer({ nodes: 1, dataDir: first.dataDir, compileCache })
    warm.push(second.readyMs)
    const startedAt = performance.now()
    await once(second.target, {
      method: 'POST',
      path: '/api/v1/namespaces/default/pods',
      body: samplePod(`first-${round}`, { namespace: 'default' }),
    })
    await untilBound(second.target, `first-${round}`)
    bound.push(second.readyMs + performance.now() - startedAt)
    await second.stop()
    rmSync(compileCache, { recursive: true, force: true })
  }
  const idle = await measureIdle(options.isQuick ? 10 : 30)
  report('start and idle (one simulated node)', [
    { name: 'exec to ready, first time', value: median(fresh), unit: 'ms', goal: 500, better: 'lower' },
    { name: 'exec to ready, warm', value: median(warm), unit: 'ms', goal: 300, better: 'lower' },
    { name: 'exec to first pod bound', value: median(bound), unit: 'ms', goal: 600, better: 'lower' },
    { name: 'idle memory', value: idle.memoryMiB, unit: 'MiB', goal: 130, better: 'lower' },
    { name: 'idle CPU', value: idle.cpuPercent, unit: '% of a core', goal: 0.3, better: 'lower' },
  ])
}

async function untilBound(target: Parameters<typeof once>[0], name: string): Promise<void> {
  for (;;) {
    const reply = await once(target, { method: 'GET', path: `/api/v1/namespaces/default/pods/${name}` })
    if ((JSON.parse(reply.body.toString()) as { spec?: { nodeName?: string } }).spec?.nodeName) return
    await wait(2)
  }
}

async function measureIdle(seconds: number): Promise<{ memoryMiB: number; cpuPercent: number }> {
  const server = await startOwnServer({ nodes: 1 })
  await wait(10_000)
  const before = cpuSeconds(server.pid)
  await wait(seconds * 1000)
  const cpuPercent = (100 * (cpuSeconds(server.pid) - before)) / seconds
  const memoryMiB = residentMiB(server.pid)
  await server.stop()
  return { memoryMiB, cpuPercent }
}
