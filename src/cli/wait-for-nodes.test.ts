import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createRestClient } from '../client/rest-client.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import type { ClusterState } from './cluster-state.ts'
import { waitForNodes } from './wait-for-nodes.ts'

const folder = mkdtempSync(join(tmpdir(), 'keelson-wait-'))
after(() => rmSync(folder, { recursive: true }))
const logFile = join(folder, 'server.log')
writeFileSync(logFile, 'of before\nits last word\n')

/** A server that ended: no process has this id. */
const ended: ClusterState = {
  version: 1,
  runtime: 'fake',
  nodes: 1,
  listen: '127.0.0.1:1',
  server: { pid: 2 ** 30, startTicks: '1', logFile, logStart: 'of before\n'.length },
  agents: [],
}

test('a server that ended while its nodes were awaited is told of by its last words, not by the connection that broke', async () => {
  const clock = virtualClock()
  const client = createRestClient({ clock, retriesMax: 0, transport: () => Promise.reject(new Error('connect ECONNREFUSED')) })
  const wait = (state: ClusterState) => waitForNodes(clock, { client, state, timeoutMs: 1_000, aliveSinceMs: 0 })
  await assert.rejects(wait(ended), { message: `the server stopped: its log ${logFile} ends with\n  its last word` })
  const speechless = { ...ended, server: { ...ended.server, logFile: join(folder, 'none.log') } }
  await assert.rejects(wait(speechless), /^CliError: the server stopped: it left no word in .*none\.log; that disk has \d+ MiB free$/)
})
