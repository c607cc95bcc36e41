import type { PathHandler } from '../../apiserver/pipeline.ts'
import { ownPaths } from '../../base/own-paths.ts'
import type { Store } from '../../store/contract.ts'
import { encodeRecords } from '../../store/record-stream.ts'

/** The revision at which the contents are. */
export const revisionHeader = 'keelson-revision'

/** Streams everything in the store as of one revision, values as they are stored, while writes go on. */
export function backupPath(store: Store): PathHandler {
  return async ({ path }, { method }) => {
    if (path !== ownPaths.backup || method !== 'GET') return undefined
    const { revision, chunks } = await store.scan('')
    return {
      code: 200,
      headers: { 'content-type': 'application/octet-stream', [revisionHeader]: String(revision) },
      body: encodeRecords(chunks),
    }
  }
}
