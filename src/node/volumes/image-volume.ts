import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What the view of an image in a pod's volume is called at the engine. Pure. */
export function viewKey(uid: string, volume: string): string {
  return `keelson-volume-${uid}-${volume}`
}

/** The keys of all views that were made for a pod below the agent's directory; without `uid`: for any pod. */
export async function viewKeys(rootDir: string, uid?: string): Promise<string[]> {
  const uids = uid === undefined ? await readdir(join(rootDir, 'pods')).catch(() => []) : [uid]
  const keys = uids.map(async (one) => {
    const volumes = await readdir(join(rootDir, 'pods', one, 'volumes', 'kubernetes.io~image')).catch(() => [])
    return volumes.map((volume) => viewKey(one, volume))
  })
  return (await Promise.all(keys)).flat()
}
