import { arch } from 'node:os'
import { gitVersion } from '../base/version.ts'

/** Put in by scripts/bundle.ts. */
declare const KEELSON_BUILD: { readonly commit: string; readonly treeState: string; readonly date: string } | undefined

/** Run from the sources, nobody says which they are. */
const { commit, treeState, date } =
  typeof KEELSON_BUILD === 'undefined' ? { commit: 'unknown', treeState: 'dirty', date: '1970-01-01T00:00:00Z' } : KEELSON_BUILD

/** What runs here, in the words of `/version`. */
export const build = {
  gitVersion,
  gitCommit: commit,
  gitTreeState: treeState,
  buildDate: date,
  goVersion: 'none',
  compiler: 'node',
  platform: `linux/${arch() === 'x64' ? 'amd64' : arch()}`,
} as const
