import { Worker } from 'node:worker_threads'

/**
 * A thread that becomes one of the store's with the settings that it is sent. Whoever knows early that a store will be opened makes it
 * early: it starts beside what its process does meanwhile. Keeps no process alive before it is used.
 */
export function newStoreThread(): Worker {
  // From source the entry is a .ts file; the bundle puts its own build of the same file beside itself.
  const entry = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js'
  const thread = new Worker(new URL(entry, import.meta.url), { name: 'store' })
  thread.unref()
  return thread
}
