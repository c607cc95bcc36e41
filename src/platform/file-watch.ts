import { watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { fileVersion } from './text-file.ts'

/** Changes that come within this are one. */
const settleMs = 200

/**
 * Calls `changed` when the file's content may have changed, also where it was put in place by a rename or by a link of a mounted ConfigMap.
 * Its folder is watched: nothing is polled. The returned function ends it.
 */
export function watchFile(path: string, changed: () => void, { clock }: { readonly clock: Clock }): () => void {
  let known = fileVersion(path)
  let cancel: (() => void) | undefined
  const look = () => {
    cancel = undefined
    const current = fileVersion(path)
    if (current === known || current === undefined) return
    known = current
    changed()
  }
  const watcher = watch(dirname(path), { persistent: false }, () => {
    cancel ??= clock.schedule(settleMs, look)
  })
  // A folder that is gone has no more to say.
  watcher.on('error', () => watcher.close())
  return () => {
    watcher.close()
    cancel?.()
  }
}
