import type { Plugin } from '../core/plugin.ts'
import { ownerOf } from './shard-of.ts'

/**
 * Of nodes that are about equal a scheduler takes one of its own share, so that several do not run after the same best node: without it
 * exact decisions on states that are a moment old meet on few nodes. One vote among the others: what a user prefers weighs as much or more.
 */
export function ownNodes(shard: { readonly identity: string; readonly members: () => readonly string[] }): Plugin {
  return {
    name: 'OwnNodes',
    weight: 1,
    compile: ({ snapshot }) => {
      const members = shard.members()
      if (members.length <= 1) return undefined
      const isOwn = (row: number) => ownerOf(snapshot.nodeName(row), members) === shard.identity
      return {
        // Who the others are changes together with the layout.
        sharedAs: () => '',
        staticScore: (row) => (isOwn(row) ? 100 : 0),
        explainScore: (row, { score }) => `${isOwn(row) ? 'in' : 'not in'} the share of scheduler ${shard.identity}: ${score}`,
      }
    },
  }
}
