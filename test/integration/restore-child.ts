/** A restore in a process of its own that tells of each change it makes to the disk before it makes it, so that it can be killed there. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [file, dataDir, store] = process.argv.slice(2)
/** The parent may kill this process when it hears of a call: give it the time to. */
const told = new Int32Array(new SharedArrayBuffer(4))
for (const name of ['mkdirSync', 'renameSync', 'rmSync', 'fsyncSync'] as const) {
  const original = fs[name] as (...args: unknown[]) => unknown
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      process.send!(name)
      Atomics.wait(told, 0, 0, 20)
      return original(...args)
    },
  })
}
syncBuiltinESMExports()

const { systemClock } = await import('../../src/platform/system-clock.ts')
const { systemRandom } = await import('../../src/platform/system-random.ts')
const { restoreCluster } = await import('../../src/roles/backup/restore.ts')
process.once('message', () => {
  void restoreCluster(
    { clock: systemClock, random: systemRandom },
    { file: file!, dataDir: dataDir!, store, passphrase: undefined, force: true },
  ).finally(() => process.disconnect?.())
})
process.send!('ready')
