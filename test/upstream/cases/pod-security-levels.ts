/** Pods in a namespace that holds them to a standard: what is refused and warned of, control by control. */
import { plainContainer, podOf, podWith, pods } from '../pod-cases.ts'
import { type Case, create, merged, namespaced, patch } from '../upstream-case.ts'

const label = (labels: Readonly<Record<string, string | null>>) =>
  patch('merge', '/api/v1/namespaces/$ns', {
    metadata: { labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value])) },
  })
const held = (labels: Readonly<Record<string, string>>, named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, pod]) => ({
    name: `${Object.entries(labels)
      .map((one) => one.join(' '))
      .join(', ')}: ${name}`,
    given: [label(labels)],
    steps: [create(pods, pod), label({ ...Object.fromEntries(Object.keys(labels).map((key) => [key, null])) })],
  }))
const secure = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
const hardened = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
const good = (container: object = {}, spec: object = {}) =>
  podOf({ securityContext: secure, ...container }, { securityContext: hardened, ...spec })
const ofContainer = (securityContext: object) => podOf({ securityContext })

const template = { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, containers: [plainContainer] } }
const made = { metadata: { name: 'made' }, spec: { selector: { matchLabels: { a: 'b' } }, template } }
const makers: Readonly<Record<string, readonly [path: string, object: object]>> = {
  'a Deployment': [namespaced('apps/v1', 'deployments'), made],
  'a CronJob': [
    namespaced('batch/v1', 'cronjobs'),
    {
      metadata: { name: 'made' },
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
      },
    },
  ],
  'a PodTemplate': [namespaced('v1', 'podtemplates'), { metadata: { name: 'made' }, template }],
}
const templateLabels: readonly Readonly<Record<string, string>>[] = [
  { enforce: 'baseline' },
  { enforce: 'baseline', warn: 'privileged' },
  { enforce: 'baseline', 'warn-version': 'v1.25' },
]
/** What makes pods is warned about, by what is enforced where nothing else is said. */
const templates: readonly Case[] = Object.entries(makers).flatMap(([name, [path, object]]) =>
  templateLabels.map((labels) => ({
    name: `${name} where ${JSON.stringify(labels)}`,
    given: [label(labels)],
    steps: [create(`${path}?dryRun=All`, object), label({ enforce: null, warn: null, 'warn-version': null })],
  })),
)

export const cases: readonly Case[] = [
  ...held(
    { enforce: 'baseline' },
    {
      'the least pod': podWith({}),
      privileged: ofContainer({ privileged: true }),
      'the namespaces of the host': podWith({ hostNetwork: true, hostPID: true, hostIPC: true }),
      'volumes of the host': podWith({
        volumes: [
          { name: 'a', hostPath: { path: '/a' } },
          { name: 'b', hostPath: { path: '/b' } },
        ],
      }),
      'ports of the host': podOf({
        ports: [
          { containerPort: 80, hostPort: 80 },
          { containerPort: 81, hostPort: 81 },
        ],
      }),
      capabilities: ofContainer({ capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'] } }),
      'another mount of /proc': podOf({ securityContext: { procMount: 'Unmasked' } }, { hostUsers: false }),
      'no seccomp': podWith({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
      'no seccomp of a container': ofContainer({ seccompProfile: { type: 'Unconfined' } }),
      'no AppArmor': ofContainer({ appArmorProfile: { type: 'Unconfined' } }),
      'labels of SELinux': ofContainer({ seLinuxOptions: { type: 'spc_t', user: 'u', role: 'r' } }),
      'unsafe sysctls': podWith({
        securityContext: {
          sysctls: [
            { name: 'kernel.msgmax', value: '1' },
            { name: 'net.core.x', value: '1' },
          ],
        },
      }),
      'a process of the host': podWith({ hostNetwork: true, securityContext: { windowsOptions: { hostProcess: true } } }),
      'a probe of another host': podOf({
        livenessProbe: { httpGet: { port: 80, host: '8.8.8.8' } },
        lifecycle: { postStart: { httpGet: { port: 80, host: 'x' } } },
      }),
      'much at once': podWith({
        hostPID: true,
        containers: [
          { ...plainContainer, securityContext: { privileged: true } },
          { name: 'd', image: 'x', securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } } },
        ],
        initContainers: [{ name: 'i', image: 'x', securityContext: { privileged: true } }],
      }),
    },
  ),
  ...held(
    { enforce: 'restricted' },
    {
      'a hardened pod': good(),
      'the least pod': podWith({}),
      'privileges that grow': good({ securityContext: { ...secure, allowPrivilegeEscalation: true } }),
      'capabilities kept': good({ securityContext: { allowPrivilegeEscalation: false } }),
      'capabilities added': good({ securityContext: merged(secure, { capabilities: { add: ['NET_BIND_SERVICE', 'CHOWN'] } }) }),
      volumes: good(
        {},
        {
          volumes: [
            { name: 'a', nfs: { server: 's', path: '/' } },
            { name: 'b', emptyDir: {} },
            { name: 'c', hostPath: { path: '/' } },
          ],
        },
      ),
      'root by name': good({}, { securityContext: { ...hardened, runAsUser: 0 } }),
      'root said': good({}, { securityContext: { ...hardened, runAsNonRoot: false } }),
      'nothing of root': good({}, { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }),
      'nothing of seccomp': good({}, { securityContext: { runAsNonRoot: true } }),
      'for Windows': podWith({ os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }),
      'for a user namespace': podOf(
        { securityContext: secure },
        { hostUsers: false, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      ),
    },
  ),
  ...held({ warn: 'restricted' }, { 'the least pod': podWith({}), privileged: ofContainer({ privileged: true }) }),
  ...held({ enforce: 'restricted', 'enforce-version': 'v1.20' }, { 'the least pod': podWith({}) }),
  ...held(
    { enforce: 'baseline', 'enforce-version': 'v1.30' },
    { 'a sysctl': podWith({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }) },
  ),
  ...templates,
  {
    name: 'pods that are there',
    given: [
      create(pods, merged(ofContainer({ privileged: true }), { metadata: { name: 'a' } })),
      create(pods, merged(ofContainer({ privileged: true }), { metadata: { name: 'b' } })),
      create(pods, merged(podWith({ hostPID: true }), { metadata: { name: 'c' } })),
      create(pods, good({}, {})),
    ],
    steps: [
      label({ enforce: 'baseline' }),
      label({ enforce: 'restricted' }),
      label({ enforce: 'baseline' }),
      label({ 'enforce-version': 'v1.24' }),
      label({ enforce: null, 'enforce-version': null, warn: 'restricted' }),
      label({ warn: null }),
    ],
  },
  {
    name: 'an update of what is no longer let in',
    given: [create(pods, podWith({ hostPID: true })), label({ enforce: 'baseline' })],
    steps: [
      patch('merge', `${pods}/p`, { metadata: { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } } }),
      patch('merge', `${pods}/p`, { metadata: { labels: { a: 'b' } } }),
      patch('strategic', `${pods}/p`, { spec: { containers: [{ name: 'c', image: 'other' }] } }),
      patch('strategic', `${pods}/p/ephemeralcontainers`, { spec: { ephemeralContainers: [{ name: 'e', image: 'x' }] } }),
      label({ enforce: null }),
    ],
  },
  {
    name: 'labels that say nothing',
    steps: [
      label({ enforce: 'strict', 'enforce-version': '1.30', warn: 'x' }),
      label({ enforce: 'baseline', 'enforce-version': null, warn: null }),
      label({ enforce: null }),
    ],
  },
]
