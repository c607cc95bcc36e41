/**
 * The layers of src/, lowest first. A module imports only from its own folder or from a lower layer; folders of one layer
 * never import each other. The longest matching prefix decides.
 */
export const layers: readonly { readonly prefix: string; readonly layer: number }[] = [
  { prefix: 'src/kinds/generated', layer: 0 },
  { prefix: 'src/base', layer: 1 },
  { prefix: 'src/platform', layer: 2 },
  { prefix: 'src/machinery', layer: 2 },
  { prefix: 'src/kinds', layer: 3 },
  { prefix: 'src/store', layer: 3 },
  { prefix: 'src/client', layer: 4 },
  { prefix: 'src/apiserver', layer: 5 },
  { prefix: 'src/control', layer: 5 },
  { prefix: 'src/controllers', layer: 6 },
  { prefix: 'src/scheduler', layer: 6 },
  { prefix: 'src/node', layer: 6 },
  { prefix: 'src/proxy', layer: 6 },
  { prefix: 'src/dns', layer: 6 },
  { prefix: 'src/cli', layer: 6 },
  { prefix: 'src/roles', layer: 7 },
]

/** Imports across one layer that are allowed, each with its reason. */
export const exceptions: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  { from: 'src/store/sqlite', to: 'src/platform', why: 'layer 2 is below; listed for the reader' },
]
