import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'

/** Changes that come within this are one. */
const settleMs = 200

/**
 * Calls `changed` when something in the folder (or the file) at `path` may have changed, and when it comes, goes or is replaced: its own
 * folder, which must be there, is watched with it. Nothing is polled. The returned function ends it.
 */
export function watchFolder(path: string, changed: () => void, { clock }: { readonly clock: Clock }): () => void {
  let inside: { readonly watcher: FSWatcher; readonly inode: number } | undefined
  let cancel: (() => void) | undefined
  const notice = () => {
    cancel ??= clock.schedule(settleMs, () => {
      cancel = undefined
      lookInside()
      changed()
    })
  }
  const watched = (directory: string) => {
    const watcher = watch(directory, { persistent: false }, notice)
    // A folder that is gone has no more to say; the one around it tells when there is another.
    watcher.on('error', () => watcher.close())
    return watcher
  }
  const lookInside = () => {
    const inode = statSync(path, { throwIfNoEntry: false })?.ino
    if (inode === inside?.inode) return
    inside?.watcher.close()
    inside = undefined
    if (inode === undefined) return
    try {
      inside = { watcher: watched(path), inode }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  const around = watched(dirname(path))
  lookInside()
  return () => {
    around.close()
    inside?.watcher.close()
    cancel?.()
  }
}
