import type { Plugin } from '../core/plugin.ts'

/** A pod that names its node goes there or nowhere. */
export const nodeName: Plugin = {
  name: 'NodeName',
  weight: 0,
  compile: ({ snapshot, shape }) => {
    const wanted = shape.spec.nodeName
    if (!wanted) return undefined
    return {
      staticFilter: (row) => snapshot.nodeName(row) === wanted,
      reject: () => ({
        reasons: [`node(s) didn't match the requested node name`],
        isResolvable: false,
        details: [`the pod asks for node ${wanted}`],
      }),
    }
  },
}
