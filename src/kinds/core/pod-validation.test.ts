import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Affinity, Container, Pod, PodSpec, Volume } from '../generated/types/core-v1.ts'
import { createErrors } from '../kind-test-support.ts'
import { pods } from './pod.ts'

const pod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { name: 'p', namespace: 'd' },
  spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
})

function check(title: string, spec: Partial<PodSpec>, ...expected: string[]): void {
  test(title, () => assert.deepEqual(createErrors(pods, pod(spec)), expected))
}
const container = (title: string, extra: Partial<Container>, ...expected: string[]) =>
  check(title, { containers: [{ name: 'c', image: 'x', ...extra }] }, ...expected.map((e) => `spec.containers[0].${e}`))
const volume = (title: string, given: Volume, ...expected: string[]) =>
  check(title, { volumes: [given] }, ...expected.map((e) => `spec.volumes[0]${e}`))
const affinity = (title: string, given: Affinity, ...expected: string[]) =>
  check(title, { affinity: given }, ...expected.map((e) => `spec.affinity.${e}`))
const label63 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

check('a plain pod is fine', {})
check('a pod has containers', { containers: [] }, 'spec.containers: Required value')
container('a container has a name', { name: '' }, 'name: Required value')
container('of lower case', { name: 'A' }, `name: Invalid value: "A": ${label63}`)
container('and an image', { image: '' }, 'image: Required value')
container('without blanks around it', { image: ' x' }, 'image: Invalid value: " x": must not have leading or trailing whitespace')
container(
  'pulled by a known policy',
  { imagePullPolicy: 'Sometimes' as never },
  'imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
)
check(
  'names are unique',
  {
    containers: [
      { name: 'c', image: 'x' },
      { name: 'c', image: 'x' },
    ],
  },
  'spec.containers[1].name: Duplicate value: "c"',
)
check('also among init containers', { initContainers: [{ name: 'c', image: 'x' }] }, 'spec.initContainers[0].name: Duplicate value: "c"')
check(
  'only sidecars among init containers have probes',
  { initContainers: [{ name: 'i', image: 'x', livenessProbe: { tcpSocket: { port: 1 } } }] },
  'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
)
check(
  'ephemeral containers join later',
  { ephemeralContainers: [{ name: 'e', image: 'x' }] },
  'spec.ephemeralContainers: Forbidden: cannot be set on create',
)
check(
  'the restart policy is known',
  { restartPolicy: 'Never again' as never },
  'spec.restartPolicy: Unsupported value: "Never again": supported values: "Always", "OnFailure", "Never"',
)
check(
  'the DNS policy is known',
  { dnsPolicy: 'x' as never },
  'spec.dnsPolicy: Unsupported value: "x": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
)
check(
  'without a DNS policy there are name servers',
  { dnsPolicy: 'None' },
  'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
)
check(
  'three at most',
  { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } },
  'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
)
check(
  'a gated pod has no node',
  { nodeName: 'n', schedulingGates: [{ name: 'g' }] },
  'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
)
check(
  'a deadline is positive',
  { activeDeadlineSeconds: 0 },
  'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
)

container('ports have numbers', { ports: [{ containerPort: 0 }] }, 'ports[0].containerPort: Required value')
container(
  'in range',
  { ports: [{ containerPort: 70000 }] },
  'ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
)
container(
  'of a known protocol',
  { ports: [{ containerPort: 1, protocol: 'tcp' as never }] },
  'ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
)
container(
  'names of ports are unique',
  {
    ports: [
      { containerPort: 1, name: 'a' },
      { containerPort: 2, name: 'a' },
    ],
  },
  'ports[1].name: Duplicate value: "a"',
)
container(
  'a host port is taken once',
  {
    ports: [
      { containerPort: 1, hostPort: 9 },
      { containerPort: 2, hostPort: 9 },
    ],
  },
  'ports[1].hostPort: Duplicate value: "TCP//9"',
)
check(
  'on the host network ports agree',
  { hostNetwork: true, containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1, hostPort: 2 }] }] },
  'spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true',
)

container('a variable has a name', { env: [{ name: '' }] }, 'env[0].name: Required value')
container(
  'not with an equals sign',
  { env: [{ name: 'a=b' }] },
  `env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
)
container(
  'a source of a value is one',
  { env: [{ name: 'A', valueFrom: {} }] },
  'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
)
container(
  'and excludes the value',
  { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
  'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
)
container(
  'a field is known',
  { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] },
  'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
)
container(
  'and given to variables',
  { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }] },
  'env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
)
container('one label may be', { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] })
container('envFrom has one source', { envFrom: [{}] }, 'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`')

container(
  'a request stays within its limit',
  { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
  'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
)
container(
  'figures are not negative',
  { resources: { requests: { memory: '-1' } } },
  'resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
)
container(
  'resources have known or qualified names',
  { resources: { requests: { speed: '1' } } },
  'resources.requests[speed]: Invalid value: "speed": must be a standard resource type or fully qualified',
  'resources.requests[speed]: Invalid value: "speed": must be a standard resource for containers',
)
container(
  'devices are whole',
  { resources: { limits: { 'example.com/gpu': '1500m' } } },
  'resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
  'resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer',
)
container(
  'devices are not overcommitted',
  { resources: { requests: { 'example.com/gpu': '1' } } },
  'resources.limits: Required value: Limit must be set for non overcommitable resources',
)
container(
  'huge pages need cpu or memory',
  { resources: { limits: { 'hugepages-2Mi': '2Mi' } } },
  'resources: Forbidden: HugePages require cpu or memory',
)

container('a probe does one thing', { livenessProbe: {} }, 'livenessProbe: Required value: must specify a handler type')
container(
  'not two',
  { livenessProbe: { exec: { command: ['x'] }, tcpSocket: { port: 1 } } },
  'livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
)
container(
  'a liveness probe succeeds once',
  { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } },
  'livenessProbe.successThreshold: Invalid value: 2: must be 1',
)
container('a command is given', { readinessProbe: { exec: {} } }, 'readinessProbe.exec.command: Required value')
container(
  'a scheme is HTTP or HTTPS',
  { readinessProbe: { httpGet: { port: 80, scheme: 'FTP' as never } } },
  'readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
)
container(
  'a hook ends within the grace',
  { lifecycle: { preStop: { sleep: { seconds: 40 } } } },
  'lifecycle.preStop.sleep: Invalid value: 40: must be non-negative and less than terminationGracePeriodSeconds (30)',
)

container('a mount has its volume', { volumeMounts: [{ name: 'v', mountPath: '/a' }] }, 'volumeMounts[0].name: Not found: "v"')
check(
  'two mounts have two places',
  {
    volumes: [{ name: 'v' }],
    containers: [
      {
        name: 'c',
        image: 'x',
        volumeMounts: [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/a' },
        ],
      },
    ],
  },
  'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
)
check(
  'a sub-path stays inside',
  { volumes: [{ name: 'v' }], containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'v', mountPath: '/a', subPath: '../b' }] }] },
  `spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain '..'`,
)
check('volume names are unique', { volumes: [{ name: 'v' }, { name: 'v' }] }, 'spec.volumes[1].name: Duplicate value: "v"')
volume(
  'a volume has one source',
  { name: 'v', emptyDir: {}, hostPath: { path: '/' } },
  '.hostPath: Forbidden: may not specify more than 1 volume type',
)
volume('a secret is named', { name: 'v', secret: {} }, '.secret.secretName: Required value')
volume(
  'a mode is octal',
  { name: 'v', configMap: { name: 'm', defaultMode: 0o1000 } },
  '.configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
)
volume(
  'a file stays in its volume',
  { name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: '/etc' }] } },
  '.configMap.items[0].path: Invalid value: "/etc": must be a relative path',
)
volume(
  'host paths do not step back',
  { name: 'v', hostPath: { path: '/a/../b' } },
  `.hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
)

check(
  'a toleration without a key tolerates all',
  { tolerations: [{ operator: 'Equal' }] },
  'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
)
check(
  'seconds are for NoExecute',
  { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 1 }] },
  `spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
)
affinity(
  'a node selector has terms',
  { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
  'nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
)
affinity(
  'an operator is known',
  {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'is' as never }] }],
      },
    },
  },
  'nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "is": not a valid selector operator',
)
affinity(
  'a weight is within bounds',
  { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 0, podAffinityTerm: { topologyKey: 'zone' } }] } },
  'podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
)
check(
  'a spread has a skew',
  { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] },
  'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
)

container(
  'ids are in range',
  { securityContext: { runAsUser: -1 } },
  'securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
)
container(
  'a local profile is named',
  { securityContext: { seccompProfile: { type: 'Localhost' } } },
  'securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
)
check(
  'process ids are shared or the host’s',
  { hostPID: true, shareProcessNamespace: true },
  'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
)
