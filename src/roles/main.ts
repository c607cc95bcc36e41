// The program's entry: `server`, `agent` and `scheduler` are roles of their own and load only what they need; everything else is the command line.
// `node-teardown DIR` is what `keelson down` runs inside each node's network namespace.
import { newStoreThread } from '../store/sqlite/store-thread.ts'

const argv = process.argv.slice(2)
const role = argv[0]

process.exitCode = await run()

async function run(): Promise<number> {
  try {
    if (role === 'server') {
      // It starts while the rest is loaded: on a second core that costs a start nothing.
      const storeThread = newStoreThread()
      return await (await import('./server.ts')).serverMain(argv.slice(1), storeThread)
    }
    if (role === 'agent') return await (await import('./agent.ts')).agentMain(argv.slice(1))
    if (role === 'scheduler') return await (await import('./scheduler.ts')).schedulerMain(argv.slice(1))
    if (role === 'node-teardown') {
      await (await import('./node/node-teardown.ts')).teardownNode(argv[1] ?? '')
      return 0
    }
    const [{ runProgram }, { thisMachine }] = await Promise.all([import('../cli/program.ts'), import('./this-machine.ts')])
    return await runProgram(thisMachine(), argv)
  } catch (error) {
    // Not by falling idle: what a role had begun when it failed (timers, a store's threads) would keep the process.
    process.exit(fail(error))
  }
}

/** One sentence for what a user can mend; the stack for a bug of ours. */
function fail(error: unknown): number {
  const isExpected = error instanceof Error && ['CliError', 'KubeconfigError', 'StoreInUse'].includes(error.name)
  const text = isExpected ? `error: ${error.message}` : `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  process.stderr.write(`keelson: ${text}\n`)
  return isExpected && 'exitCode' in error ? Number(error.exitCode) : 1
}
