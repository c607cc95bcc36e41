import type {
  Container,
  ContainerStatus,
  DownwardAPIVolumeFile,
  EnvVar,
  KeyToPath,
  Node,
  Pod,
  PodSpec,
  Volume,
  VolumeMount,
} from '../../src/kinds/generated/types/core-v1.ts'
import { shell } from './agent-world.ts'

/** A pod that runs to its end, and what it says or shows then. `title` is the conformance suite's, without its group's name. */
export type ContainerCase = {
  readonly title: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec: Partial<PodSpec>
  /** The main container's log line by line, or what it must be, given the pod and its node. */
  readonly log?: readonly string[] | ((pod: Pod, node: Node) => readonly string[])
  /** Lines that must be among those of the log. */
  readonly says?: readonly string[]
  /** Default Succeeded. */
  readonly phase?: 'Succeeded' | 'Failed'
  readonly status?: (status: ContainerStatus) => unknown
  readonly shows?: unknown
}

export const configMapData = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }
export const secretData = { 'data-1': 'secret-1', 'data-2': 'secret-2' }
/** Of the ConfigMap and the Secret that cases use: what is no text. */
export const binary = Buffer.from([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff])

const nobody = 1000
const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }
const mount = (mountPath: string, more: Partial<VolumeMount> = {}): VolumeMount => ({ name: 'v', mountPath, ...more })
const inOneVolume = (script: string, volume: Omit<Volume, 'name'>, more: Partial<Container> = {}): Partial<PodSpec> => ({
  containers: [{ ...shell(script), volumeMounts: [mount('/v')], ...more }],
  volumes: [{ name: 'v', ...volume }],
})
/** Says its variables, also those whose names a shell would drop. */
const variables = { ...shell(''), command: ['/bin/env'] }
const fieldRef = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } })
const resourceRef = (name: string, resource: string): EnvVar => ({ name, valueFrom: { resourceFieldRef: { resource } } })
const one = (container: Partial<Container> & Pick<Container, 'name'>): Partial<PodSpec> => ({ containers: [container] })

const environment: readonly ContainerCase[] = [
  {
    title: 'ConfigMap should be consumable via environment variable',
    spec: one({ ...shell('echo $A'), env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'map', key: 'data-1' } } }] }),
    log: ['value-1'],
  },
  {
    title: 'ConfigMap should be consumable as environment variable names with various prefixes',
    spec: one({
      ...variables,
      envFrom: [
        { configMapRef: { name: 'map' } },
        { prefix: 'p-', configMapRef: { name: 'map' } },
        { prefix: 'none', configMapRef: { name: 'missing', optional: true } },
      ],
    }),
    says: ['data-1=value-1', 'data-2=value-2', 'data-3=value-3', 'p-data-1=value-1', 'p-data-2=value-2', 'p-data-3=value-3'],
  },
  {
    title: 'Secrets should be consumable from pods in env vars',
    spec: one({ ...shell('echo $A'), env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'key', key: 'data-1' } } }] }),
    log: ['secret-1'],
  },
  {
    title: 'Secrets should be consumable as environment variable names variable names with various prefixes',
    spec: one({ ...variables, envFrom: [{ prefix: 's-', secretRef: { name: 'text' } }] }),
    says: ['s-data-1=secret-1', 's-data-2=secret-2'],
  },
  {
    title: 'Downward API should provide pod name, namespace and IP address, host IP, hostIPs and pod UID as env vars',
    spec: one({
      ...shell('echo $NAME $SPACE $IP $HOST $HOSTS $ID $NODE $ACCOUNT'),
      env: [
        fieldRef('NAME', 'metadata.name'),
        fieldRef('SPACE', 'metadata.namespace'),
        fieldRef('IP', 'status.podIP'),
        fieldRef('HOST', 'status.hostIP'),
        fieldRef('HOSTS', 'status.hostIPs'),
        fieldRef('ID', 'metadata.uid'),
        fieldRef('NODE', 'spec.nodeName'),
        fieldRef('ACCOUNT', 'spec.serviceAccountName'),
      ],
    }),
    log: ({ metadata, spec, status }) => [
      `${metadata.name} default ${status?.podIP} 127.0.0.1 127.0.0.1 ${metadata.uid} n1 ${spec?.serviceAccountName ?? ''}`.trim(),
    ],
  },
  {
    title: "Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars",
    spec: one({
      ...shell('echo $LC $LM $RC $RM'),
      resources,
      env: [
        resourceRef('LC', 'limits.cpu'),
        resourceRef('LM', 'limits.memory'),
        resourceRef('RC', 'requests.cpu'),
        resourceRef('RM', 'requests.memory'),
      ],
    }),
    log: ['2 67108864 1 33554432'],
  },
  {
    title: 'Downward API should provide default limits.cpu/memory from node allocatable',
    spec: one({ ...shell('echo $LC $LM'), env: [resourceRef('LC', 'limits.cpu'), resourceRef('LM', 'limits.memory')] }),
    log: (_, node) => [`${Math.ceil(cores(node.status?.allocatable?.cpu))} ${bytes(node.status?.allocatable?.memory)}`],
  },
  {
    title: 'Variable Expansion should allow composing env vars into new env vars',
    spec: one({
      ...shell('echo "$C"'),
      env: [
        { name: 'A', value: 'a-value' },
        { name: 'B', value: 'b-value' },
        { name: 'C', value: '$(A);;$(B) $$(A) $(LATER)' },
        { name: 'LATER', value: 'x' },
      ],
    }),
    log: ['a-value;;b-value $(A) $(LATER)'],
  },
  {
    title: "Variable Expansion should allow substituting values in a container's command",
    spec: one({ ...shell(''), command: ['/bin/sh', '-c', 'A="wrong"; echo "$(A)"'], env: [{ name: 'A', value: 'a-value' }] }),
    log: ['a-value'],
  },
  {
    title: "Variable Expansion should allow substituting values in a container's args",
    spec: one({ ...shell(''), command: ['/bin/sh', '-c'], args: ['A="wrong"; echo "$(A)"'], env: [{ name: 'A', value: 'a-value' }] }),
    log: ['a-value'],
  },
  {
    title: "Containers should be able to override the image's default arguments (container cmd)",
    spec: one({ name: 'main', image: 'localhost/speaker:1', imagePullPolicy: 'Never', args: ['override', 'arguments'] }),
    log: ['entrypoint override arguments'],
  },
  {
    title: "Containers should be able to override the image's default command (container entrypoint)",
    spec: one({ name: 'main', image: 'localhost/speaker:1', imagePullPolicy: 'Never', command: ['/bin/echo', 'own'] }),
    log: ['own'],
  },
  {
    title: "Containers should be able to override the image's default command and arguments",
    spec: one({ name: 'main', image: 'localhost/speaker:1', imagePullPolicy: 'Never', command: ['/bin/echo', 'own'], args: ['too'] }),
    log: ['own too'],
  },
  {
    title: 'Containers should use the image defaults if command and args are blank',
    spec: one({ name: 'main', image: 'localhost/speaker:1', imagePullPolicy: 'Never' }),
    log: ['entrypoint cmd'],
  },
]

/** The three kinds of objects that a pod mounts, each with the texts that the suite has for it. */
const objectVolumes = [
  { kind: 'ConfigMap', source: (more: Mapping) => ({ configMap: { name: 'map', ...more } }), value: 'value' },
  { kind: 'Secrets', source: (more: Mapping) => ({ secret: { secretName: 'key', ...more } }), value: 'secret' },
  { kind: 'Projected configMap', source: projectedMap, value: 'value' },
  { kind: 'Projected secret', source: projectedSecret, value: 'secret' },
] as const

type Mapping = { readonly defaultMode?: number; readonly items?: KeyToPath[] }

function projectedMap({ defaultMode, ...more }: Mapping): Omit<Volume, 'name'> {
  return { projected: { ...(defaultMode === undefined ? {} : { defaultMode }), sources: [{ configMap: { name: 'map', ...more } }] } }
}

function projectedSecret({ defaultMode, ...more }: Mapping): Omit<Volume, 'name'> {
  return { projected: { ...(defaultMode === undefined ? {} : { defaultMode }), sources: [{ secret: { name: 'key', ...more } }] } }
}

const objects = objectVolumes.flatMap(({ kind, source, value }): ContainerCase[] => [
  {
    title: `${kind} should be consumable from pods in volume`,
    spec: inOneVolume('cat /v/data-1; echo; stat -Lc %a /v/data-1; ls -d /v/..data', source({})),
    log: [`${value}-1`, '644', '/v/..data'],
  },
  {
    title: `${kind} should be consumable from pods in volume with defaultMode set`,
    spec: inOneVolume('cat /v/data-1; echo; stat -Lc %a /v/data-1', source({ defaultMode: 0o400 })),
    log: [`${value}-1`, '400'],
  },
  {
    title: `${kind} should be consumable from pods in volume as non-root with defaultMode and fsGroup set`,
    spec: {
      ...inOneVolume('cat /v/data-1; echo; stat -Lc "%a %g" /v/data-1; id -u', source({ defaultMode: 0o440 })),
      securityContext: { runAsUser: nobody, fsGroup: 1001 },
    },
    log: [`${value}-1`, '440 1001', '1000'],
  },
  {
    title: `${kind} should be consumable from pods in volume with mappings as non-root`,
    spec: {
      ...inOneVolume('cat /v/path/to/data; echo; ls /v', source({ items: [{ key: 'data-2', path: 'path/to/data' }] })),
      securityContext: { runAsUser: nobody },
    },
    log: [`${value}-2`, 'path'],
  },
  {
    title: `${kind} should be consumable from pods in volume with mappings and Item mode set`,
    spec: inOneVolume('stat -Lc %a /v/new', source({ items: [{ key: 'data-2', path: 'new', mode: 0o400 }] })),
    log: ['400'],
  },
  {
    title: `${kind} should be consumable in multiple volumes in the same pod`,
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
])

const downward = [
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
      spec: inOneVolume('cat /v/c; echo; cat /v/m', source([item('c', 'limits.cpu', '1m'), item('m', 'limits.memory')])),
      log: (_, node) => [`${cores(node.status?.allocatable?.cpu) * 1000}`, `${bytes(node.status?.allocatable?.memory)}`],
    },
  ]
})

const emptyDirs = (['default', 'tmpfs'] as const).flatMap((medium): ContainerCase[] => {
  const emptyDir = medium === 'tmpfs' ? { medium: 'Memory' } : {}
  return [
    {
      title: `EmptyDir volumes volume on ${medium} medium should have the correct mode`,
      spec: inOneVolume('stat -c %a /v; grep " /v " /proc/mounts | cut -d" " -f3 | grep -c tmpfs', { emptyDir }),
      ...(medium === 'tmpfs' ? { log: ['777', '1'] } : { phase: 'Failed', log: ['777', '0'] }),
    },
    ...(['root', 'non-root'] as const).map(
      (user): ContainerCase => ({
        title: `EmptyDir volumes should support (${user},0644,0666,0777,${medium})`,
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

const volumes: readonly ContainerCase[] = [
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
      spec: inOneVolume('cat /etc/passwd', source, { volumeMounts: [mount('/etc/passwd', { subPath })] }),
      log: [value],
    }),
  ),
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
    spec: inOneVolume(
      'cat /v/dir/text; (echo x > /v/new) 2>&1; cat /part',
      { image: { reference: 'localhost/files:1', pullPolicy: 'Never' } },
      { volumeMounts: [mount('/v'), mount('/part', { subPath: 'dir/other' })] },
    ),
    log: ['first layer', "/bin/sh: can't create /v/new: Read-only file system", 'second layer'],
  },
  {
    title: 'ImageVolume of one layer',
    spec: inOneVolume('ls /v/bin/busybox', { image: { reference: 'localhost/busybox:1', pullPolicy: 'IfNotPresent' } }),
    log: ['/v/bin/busybox'],
  },
]

const security: readonly ContainerCase[] = [
  {
    title: 'Security Context When creating a container with runAsUser should run the container with uid 65534',
    spec: one({ ...shell('id -u'), securityContext: { runAsUser: 65534 } }),
    log: ['65534'],
  },
  {
    title: 'Security Context When creating a pod with privileged should run the container as unprivileged when false',
    spec: one({ ...shell('ip link add dummy0 type dummy 2>&1'), securityContext: { privileged: false } }),
    phase: 'Failed',
    log: ['ip: RTNETLINK answers: Operation not permitted'],
  },
  {
    title: 'Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when false',
    spec: one({ ...shell('echo checking > /f && cat /f'), securityContext: { readOnlyRootFilesystem: false } }),
    log: ['checking'],
  },
  {
    title: 'Kubelet when scheduling a read only busybox container should not write to root filesystem',
    spec: one({ ...shell('(echo test > /file) 2>&1; sleep 0'), securityContext: { readOnlyRootFilesystem: true } }),
    log: ["/bin/sh: can't create /file: Read-only file system"],
  },
  {
    title: 'Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup',
    spec: { ...one(shell('id -u; id -g; id -G')), securityContext: { runAsUser: 1001, runAsGroup: 2002, supplementalGroups: [3003] } },
    log: ['1001', '2002', '2002 3003'],
  },
  {
    title: 'Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup',
    spec: {
      ...one({ ...shell('id -u; id -g'), securityContext: { runAsUser: 1001, runAsGroup: 2002 } }),
      securityContext: { runAsUser: 5, runAsGroup: 6 },
    },
    log: ['1001', '2002'],
  },
  {
    title: 'Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false',
    spec: one({
      ...shell('grep NoNewPrivs /proc/self/status | tr -d "\\t"; id -u'),
      securityContext: { allowPrivilegeEscalation: false, runAsUser: 1000 },
    }),
    log: ['NoNewPrivs:1', '1000'],
  },
  {
    title: 'Sysctls should support sysctls',
    spec: {
      ...one(shell('cat /proc/sys/kernel/shm_rmid_forced')),
      securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] },
    },
    log: ['1'],
  },
]

const endings: readonly ContainerCase[] = [
  {
    title: 'Kubelet when scheduling a busybox command in a pod should print the output to logs',
    // Two streams have no order.
    spec: one(shell('echo out; echo err >&2')),
    says: ['out', 'err'],
  },
  {
    title: 'Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason',
    spec: one(shell('exit 1')),
    phase: 'Failed',
    status: ({ state }) => [state?.terminated?.reason, state?.terminated?.exitCode],
    shows: ['Error', 1],
  },
  {
    title: 'Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts',
    spec: {
      ...one(shell('tail -n 2 /etc/hosts | tr "\\t" " "')),
      hostAliases: [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }],
    },
    log: ['# Entries added by HostAliases.', '123.45.67.89 foo bar'],
  },
  {
    title:
      'Container Runtime should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo DONE'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    status: ({ state }) => state?.terminated?.message,
    shows: undefined,
  },
  {
    title:
      'Container Runtime should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo OK > /dev/termination-log; echo DONE'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    status: ({ state }) => state?.terminated?.message,
    shows: 'OK\n',
  },
  {
    title: 'Container Runtime should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo DONE; exit 1'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    phase: 'Failed',
    status: ({ state }) => state?.terminated?.message,
    shows: 'DONE\n',
  },
  {
    title:
      'Container Runtime should report termination message if TerminationMessagePath is set as non-root user and at a non-default path',
    spec: one({
      ...shell('echo -n DONE > /dev/termination-custom-log'),
      terminationMessagePath: '/dev/termination-custom-log',
      securityContext: { runAsUser: nobody },
    }),
    status: ({ state }) => state?.terminated?.message,
    shows: 'DONE',
  },
  {
    title: 'Container Runtime blackbox test when starting a container that exits should run with the expected status: OnFailure',
    spec: {
      restartPolicy: 'OnFailure',
      ...inOneVolume('if [ -f /v/once ]; then exit 0; fi; touch /v/once; exit 1', { emptyDir: {} }),
    },
    status: ({ restartCount, state }) => [restartCount, state?.terminated?.exitCode],
    shows: [1, 0],
  },
  {
    title: 'InitContainer should invoke init containers on a RestartNever pod',
    spec: {
      initContainers: [
        { ...shell('echo 1 > /v/a'), name: 'init1', volumeMounts: [mount('/v')] },
        { ...shell('cat /v/a > /v/b'), name: 'init2', volumeMounts: [mount('/v')] },
      ],
      ...inOneVolume('cat /v/b', { emptyDir: {} }),
    },
    log: ['1'],
  },
  {
    title: 'InitContainer should not start app containers and fail the pod if init containers fail on a RestartNever pod',
    spec: {
      initContainers: [
        { ...shell('exit 0'), name: 'init1' },
        { ...shell('exit 1'), name: 'init2' },
      ],
      ...one(shell('echo started')),
    },
    phase: 'Failed',
    status: ({ state }) => state?.waiting?.reason,
    shows: 'PodInitializing',
  },
  {
    title: 'Container Lifecycle Hook should execute poststart exec hook properly',
    spec: inOneVolume(
      'until [ -f /v/hook ]; do sleep 0.05; done; echo seen',
      { emptyDir: {} },
      {
        lifecycle: { postStart: { exec: { command: ['touch', '/v/hook'] } } },
      },
    ),
    log: ['seen'],
  },
]

/** What a pod says that runs to its end: the texts of the conformance suite that need a real container and no network. */
export const containerCases: readonly ContainerCase[] = [
  ...environment,
  ...objects,
  ...downward,
  ...emptyDirs,
  ...volumes,
  ...images,
  ...security,
  ...endings,
]

function cores(cpu: string | number | undefined): number {
  const text = String(cpu)
  return text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text)
}

function bytes(memory: string | number | undefined): number {
  const [, digits, unit] = /^(\d+)(Ki|Mi|Gi)?$/.exec(String(memory))!
  return Number(digits) * { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, '': 1 }[(unit ?? '') as 'Ki' | 'Mi' | 'Gi' | '']
}
