import { shell } from '../agent-world.ts'
import { bytes, type ContainerCase, cores, fieldRef, one, resourceRef, resources, variables } from './container-case.ts'

/** What a container finds in its variables and its command. */
export const environmentCases: readonly ContainerCase[] = [
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
    title: 'ConfigMap should be consumable via the environment',
    spec: one({ ...variables, envFrom: [{ configMapRef: { name: 'map' } }] }),
    says: ['data-1=value-1', 'data-2=value-2', 'data-3=value-3'],
  },
  {
    title: 'Secrets should be consumable via the environment',
    spec: one({ ...variables, envFrom: [{ secretRef: { name: 'text' } }] }),
    says: ['data-1=secret-1', 'data-2=secret-2'],
  },
  {
    title: 'Secrets should be consumable as environment variable names variable names with various prefixes',
    spec: one({ ...variables, envFrom: [{ prefix: 's-', secretRef: { name: 'text' } }] }),
    says: ['s-data-1=secret-1', 's-data-2=secret-2'],
  },
  {
    title: 'Downward API should provide what is of the pod itself as env vars',
    covers: [
      'Downward API should provide pod name, namespace and IP address as env vars',
      'Downward API should provide host IP as an env var',
      'Downward API should provide hostIPs as an env var',
      'Downward API should provide pod UID as env vars',
    ],
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
