import type { Volume } from '../../../src/kinds/generated/types/core-v1.ts'
import { shell } from '../agent-world.ts'
import { binary, type ContainerCase, inOneVolume, mount } from './container-case.ts'
import { projectedMap } from './object-volume-cases.ts'

const emptyDirs = (['default', 'tmpfs'] as const).flatMap((medium): ContainerCase[] => {
  const emptyDir = medium === 'tmpfs' ? { medium: 'Memory' } : {}
  return [
    {
      title: `EmptyDir volumes volume on ${medium === 'tmpfs' ? 'tmpfs' : 'default medium'} should have the correct mode`,
      spec: inOneVolume('stat -c %a /v; grep " /v " /proc/mounts | cut -d" " -f3 | grep -c tmpfs', { emptyDir }),
      ...(medium === 'tmpfs' ? { log: ['777', '1'] } : { phase: 'Failed', log: ['777', '0'] }),
    },
    ...(['root', 'non-root'] as const).map(
      (user): ContainerCase => ({
        title: `EmptyDir volumes should support (${user},0644,0666,0777,${medium})`,
        covers: ['0644', '0666', '0777'].map((mode) => `EmptyDir volumes should support (${user},${mode},${medium})`),
        spec: {
          ...inOneVolume('cd /v; for m in 644 666 777; do echo mounted > f$m; chmod $m f$m; cat f$m; stat -c "%a %u" f$m; done', {
            emptyDir,
          }),
          ...(user === 'root' ? {} : { securityContext: { runAsUser: 1001 } }),
        },
        log: ['644', '666', '777'].flatMap((mode) => ['mounted', `${mode} ${user === 'root' ? 0 : 1001}`]),
      }),
    ),
  ]
})

/** So many volumes at once that two which share anything would show it. */
const racing = Array.from({ length: 50 }, (_, i) => `v${i}`)

const others: readonly ContainerCase[] = [
  {
    title: 'ConfigMap binary data should be reflected in volume',
    spec: inOneVolume('od -An -tx1 /v/blob | tr -d " \\n"', { configMap: { name: 'map' } }),
    log: [binary.toString('hex')],
  },
  {
    title: 'Projected combined should project all components that make up the projection API',
    spec: inOneVolume('cd /v; for f in map key name; do cat $f; echo; done', {
      projected: {
        sources: [
          { configMap: { name: 'map', items: [{ key: 'data-1', path: 'map' }] } },
          { secret: { name: 'key', items: [{ key: 'data-1', path: 'key' }] } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        ],
      },
    }),
    log: ({ metadata }) => ['value-1', 'secret-1', metadata.name!],
  },
  {
    title: 'EmptyDir volumes pod should support shared volumes between containers',
    spec: {
      containers: [
        { ...shell('until [ -f /v/f ]; do sleep 0.05; done; cat /v/f'), volumeMounts: [mount('/v')] },
        { ...shell('echo Hello from the busy-box sub-container > /v/t; mv /v/t /v/f'), name: 'sub', volumeMounts: [mount('/v')] },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    log: ['Hello from the busy-box sub-container'],
  },
  {
    title: 'EmptyDir wrapper volumes should not conflict',
    spec: {
      containers: [
        {
          ...shell('ls /etc/s /etc/c | sort -u | wc -w'),
          volumeMounts: [mount('/etc/s', { name: 's', readOnly: true }), mount('/etc/c', { name: 'c' })],
        },
      ],
      volumes: [
        { name: 's', secret: { secretName: 'text' } },
        { name: 'c', configMap: { name: 'map' } },
      ],
    },
    log: ['6'],
  },
  ...(
    [
      ['configmap', { configMap: { name: 'map' } }, 'data-1', 'value-1'],
      ['secret', { secret: { secretName: 'key' } }, 'data-1', 'secret-1'],
      ['projected', projectedMap({}), 'data-1', 'value-1'],
      ['downward', { downwardAPI: { items: [{ path: 'd/space', fieldRef: { fieldPath: 'metadata.namespace' } }] } }, 'd/space', 'default'],
    ] satisfies [string, Omit<Volume, 'name'>, string, string][]
  ).map(
    ([kind, source, subPath, value]): ContainerCase => ({
      title: `Subpath Atomic writer volumes should support subpaths with ${kind} pod`,
      spec: inOneVolume('cat /test-volume/part', source, { volumeMounts: [mount('/test-volume/part', { subPath })] }),
      log: [value],
    }),
  ),
  {
    title: 'Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of existing file',
    spec: inOneVolume('cat /etc/passwd', { configMap: { name: 'map' } }, { volumeMounts: [mount('/etc/passwd', { subPath: 'data-1' })] }),
    log: ['value-1'],
  },
  {
    title: 'Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace',
    spec: inOneVolume('cat /v/data-1', { secret: { secretName: 'twice' } }),
    log: ['secret-1'],
  },
  {
    title: 'EmptyDir wrapper volumes should not cause race condition when used for configmaps',
    spec: {
      containers: [
        {
          ...shell('cat /v*/data-1 | sed s/value-1/./g; echo'),
          volumeMounts: racing.map((name) => mount(`/${name}`, { name })),
        },
      ],
      volumes: racing.map((name) => ({ name, configMap: { name: 'map', items: [{ key: 'data-1', path: 'data-1' }] } })),
    },
    log: ['.'.repeat(50)],
  },
  {
    title: 'Variable Expansion should allow substituting values in a volume subpath',
    spec: {
      initContainers: [{ ...shell('mkdir /v/foo; echo there > /v/foo/f'), name: 'init', volumeMounts: [mount('/v')] }],
      ...inOneVolume(
        'cat /sub/f',
        { emptyDir: {} },
        {
          env: [{ name: 'P', value: 'foo' }],
          volumeMounts: [mount('/sub', { subPathExpr: '$(P)' })],
        },
      ),
    },
    log: ['there'],
  },
]

const images: readonly ContainerCase[] = [
  {
    title: 'ImageVolume should succeed with pod',
    covers: [],
    spec: inOneVolume(
      'cat /v/dir/text; (echo x > /v/new) 2>&1; cat /part',
      { image: { reference: 'localhost/files:1', pullPolicy: 'Never' } },
      { volumeMounts: [mount('/v'), mount('/part', { subPath: 'dir/other' })] },
    ),
    log: ['first layer', "/bin/sh: can't create /v/new: Read-only file system", 'second layer'],
  },
  {
    title: 'ImageVolume of one layer',
    covers: [],
    spec: inOneVolume('ls /v/bin/busybox', { image: { reference: 'localhost/busybox:1', pullPolicy: 'IfNotPresent' } }),
    log: ['/v/bin/busybox'],
  },
]

/** Empty directories, mixtures, parts of volumes, and images. */
export const volumeCases: readonly ContainerCase[] = [...emptyDirs, ...others, ...images]
