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

/** The only home of real time, randomness, process, files and TLS. */
export const realWorld = 'src/platform/'

/** Real-world calls that are allowed elsewhere, each with its reason. */
export const realWorldExceptions: readonly { readonly prefix: string; readonly calls: readonly string[]; readonly why: string }[] = [
  { prefix: 'src/store/sqlite/', calls: ['node:fs', 'process.'], why: 'a storage engine is files; the worker talks to its parent' },
  { prefix: 'src/node/', calls: ['node:fs'], why: 'volumes, logs and cgroups are files' },
  { prefix: 'src/roles/', calls: ['node:fs', 'process.', 'node:child_process', 'setTimeout'], why: 'composition roots own the process' },
  { prefix: 'src/cli/', calls: ['node:fs', 'process.', 'node:child_process'], why: 'a command line is process and files' },
  {
    prefix: 'src/client/kubeconfig',
    calls: ['node:fs', 'process.', 'node:child_process'],
    why: 'kubeconfigs are files, and may name an exec plugin',
  },
]
