import type { DownwardAPIVolumeFile, KeyToPath, Volume } from '../../../src/kinds/generated/types/core-v1.ts'
import { shell } from '../agent-world.ts'
import { bytes, type ContainerCase, cores, inOneVolume, mount, nobody, resources } from './container-case.ts'

/** The three kinds of objects that a pod mounts, each with the texts that the suite has for it. */
const objectVolumes = [
  { kind: 'ConfigMap', source: (more: Mapping) => ({ configMap: { name: 'map', ...more } }), value: 'value', isSecret: false },
  { kind: 'Secrets', source: (more: Mapping) => ({ secret: { secretName: 'key', ...more } }), value: 'secret', isSecret: true },
  { kind: 'Projected configMap', source: projectedMap, value: 'value', isSecret: false },
  { kind: 'Projected secret', source: projectedSecret, value: 'secret', isSecret: true },
] as const

type Mapping = { readonly defaultMode?: number; readonly items?: KeyToPath[] }

export function projectedMap({ defaultMode, ...more }: Mapping): Omit<Volume, 'name'> {
  return { projected: { ...(defaultMode === undefined ? {} : { defaultMode }), sources: [{ configMap: { name: 'map', ...more } }] } }
}

function projectedSecret({ defaultMode, ...more }: Mapping): Omit<Volume, 'name'> {
  return { projected: { ...(defaultMode === undefined ? {} : { defaultMode }), sources: [{ secret: { name: 'key', ...more } }] } }
}

/** ConfigMaps and Secrets, by themselves and projected. */
export const objectVolumeCases = objectVolumes.flatMap(({ kind, source, value, isSecret }): ContainerCase[] => {
  const title = `${kind} should be consumable from pods in volume`
  const asGroup = {
    ...inOneVolume('cat /v/data-1; echo; stat -Lc "%a %g" /v/data-1; id -u', source({ defaultMode: 0o440 })),
    securityContext: { runAsUser: nobody, fsGroup: 1001 },
  }
  const readsAll = inOneVolume('cat /v/data-1; echo; stat -Lc %a /v/data-1; ls -d /v/..data', source({}))
  const readsMapped = inOneVolume('cat /v/path/to/data; echo; ls /v', source({ items: [{ key: 'data-2', path: 'path/to/data' }] }))
  const asNobody = { securityContext: { runAsUser: nobody } }
  return [
    { title, spec: readsAll, log: [`${value}-1`, '644', '/v/..data'] },
    {
      title: `${title} with defaultMode set`,
      spec: inOneVolume('cat /v/data-1; echo; stat -Lc %a /v/data-1', source({ defaultMode: 0o400 })),
      log: [`${value}-1`, '400'],
    },
    ...(isSecret ? [] : [{ title: `${title} as non-root`, spec: { ...readsAll, ...asNobody }, log: [`${value}-1`, '644', '/v/..data'] }]),
    {
      title: `${title} as non-root with defaultMode and fsGroup set`,
      ...(isSecret ? {} : { covers: [] }),
      spec: asGroup,
      log: [`${value}-1`, '440 1001', '1000'],
    },
    { title: `${title} with mappings`, spec: readsMapped, log: [`${value}-2`, 'path'] },
    {
      title: `${title} with mappings as non-root`,
      ...(isSecret ? { covers: [] } : {}),
      spec: { ...readsMapped, ...asNobody },
      log: [`${value}-2`, 'path'],
    },
    {
      title: `${title} with mappings and Item ${isSecret ? 'Mode' : 'mode'} set`,
      spec: inOneVolume('stat -Lc %a /v/new; cat /v/new', source({ items: [{ key: 'data-2', path: 'new', mode: 0o400 }] })),
      log: ['400', `${value}-2`],
    },
    {
      title: `${kind} should be consumable in multiple volumes in ${isSecret ? 'a' : 'the same'} pod`,
      spec: {
        containers: [
          { ...shell('cat /a/data-1 /b/data-1'), volumeMounts: [mount('/a', { name: 'a' }), mount('/b', { name: 'b', readOnly: true })] },
        ],
        volumes: [
          { name: 'a', ...source({}) },
          { name: 'b', ...source({}) },
        ],
      },
      log: [`${value}-1${value}-1`],
    },
  ]
})

/** Fields of the pod and its container as files. */
export const downwardCases = [
  {
    kind: 'Downward API volume',
    source: (items: DownwardAPIVolumeFile[], more: { defaultMode?: number } = {}) => ({ downwardAPI: { items, ...more } }),
  },
  {
    kind: 'Projected downwardAPI',
    source: (items: DownwardAPIVolumeFile[], more: { defaultMode?: number } = {}) => ({
      projected: { sources: [{ downwardAPI: { items } }], ...more },
    }),
  },
].flatMap(({ kind, source }): ContainerCase[] => {
  const item = (path: string, resource: string, divisor?: string) => ({
    path,
    resourceFieldRef: { containerName: 'main', resource, ...(divisor ? { divisor } : {}) },
  })
  const name = { path: 'podname', fieldRef: { fieldPath: 'metadata.name' } }
  return [
    {
      title: `${kind} should provide podname only, and set DefaultMode on files`,
      covers: [`${kind} should provide podname only`, `${kind} should set DefaultMode on files`],
      spec: inOneVolume('cat /v/podname; echo; stat -Lc %a /v/podname', source([name], { defaultMode: 0o400 })),
      log: ({ metadata }) => [metadata.name!, '400'],
    },
    {
      title: `${kind} should set mode on item file`,
      spec: inOneVolume('stat -Lc %a /v/podname', source([{ ...name, mode: 0o400 }])),
      log: ['400'],
    },
    {
      title: `${kind} should provide container's cpu and memory limits and requests`,
      covers: ['cpu limit', 'cpu request', 'memory limit', 'memory request'].map((what) => `${kind} should provide container's ${what}`),
      spec: inOneVolume(
        'for f in lc lcm lm rc rm; do cat /v/$f; echo; done',
        source([
          item('lc', 'limits.cpu'),
          item('lcm', 'limits.cpu', '1m'),
          item('lm', 'limits.memory', '1Mi'),
          item('rc', 'requests.cpu', '1m'),
          item('rm', 'requests.memory'),
        ]),
        { resources },
      ),
      log: ['2', '1250', '64', '250', '33554432'],
    },
    {
      title: `${kind} should provide node allocatable (cpu, memory) as default limit if the limit is not set`,
      covers: ['cpu', 'memory'].map(
        (what) => `${kind} should provide node allocatable (${what}) as default ${what} limit if the limit is not set`,
      ),
      spec: inOneVolume('cat /v/c; echo; cat /v/m', source([item('c', 'limits.cpu', '1m'), item('m', 'limits.memory')])),
      log: (_, node) => [`${cores(node.status?.allocatable?.cpu) * 1000}`, `${bytes(node.status?.allocatable?.memory)}`],
    },
  ]
})
