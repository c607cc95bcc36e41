import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from '../../../kinds/generated/types/core-v1.ts'
import { violationsOf } from './checks.ts'
import { type LevelVersion, policyOf, textOf } from './policy.ts'

const good = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' as const },
}
const spec = (container: object, pod: object = {}): PodSpec => ({ containers: [{ name: 'c', image: 'i', ...container }], ...pod })

function check(title: string, level: string, pod: PodSpec, expected: string, annotations?: Record<string, string>) {
  test(`${level}: ${title}`, () => {
    const [name, version = 'latest'] = level.split(':')
    const minor = version === 'latest' ? 'latest' : Number(version.slice('v1.'.length))
    const found = violationsOf(
      { level: name as LevelVersion['level'], version: minor },
      { metadata: { ...(annotations ? { annotations } : {}) }, spec: pod },
    )
    assert.equal(found.map(({ reason, detail }) => `${reason} (${detail})`).join(', '), expected)
  })
}

const dull = [
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
  'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
  'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
  'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
]
const secure = (context: object) => ({ securityContext: { ...good, ...context } })

check('anything goes', 'privileged', spec({ securityContext: { privileged: true } }), '')
check('a plain pod is fine', 'baseline', spec({}), '')
check('a plain pod is refused', 'restricted', spec({}), dull.join(', '))
check('a hardened pod is fine', 'restricted', spec(secure({})), '')
check(
  'baseline comes before restricted',
  'restricted',
  spec({}, { hostNetwork: true, hostPID: true }),
  ['host namespaces (hostNetwork=true, hostPID=true)', ...dull].join(', '),
)
check('capabilities were free to keep before 1.22', 'restricted:v1.21', spec({}), [dull[0], dull[2], dull[3]].join(', '))
check('no seccomp profile was asked for before 1.19', 'restricted:v1.18', spec({}), [dull[0], dull[2]].join(', '))
check(
  'Windows pods keep what is about Linux',
  'restricted',
  spec({ securityContext: { runAsNonRoot: true } }, { os: { name: 'windows' } }),
  '',
)
check(
  'every baseline rule',
  'baseline',
  spec(
    {
      ports: [{ containerPort: 80, hostPort: 8080 }],
      livenessProbe: { httpGet: { port: 80, host: 'elsewhere' } },
      securityContext: {
        privileged: true,
        procMount: 'Unmasked',
        capabilities: { add: ['NET_ADMIN', 'CHOWN'] },
        seLinuxOptions: { type: 'spc_t', user: 'u' },
        seccompProfile: { type: 'Unconfined' },
        appArmorProfile: { type: 'Unconfined' },
        windowsOptions: { hostProcess: true },
      },
    },
    { volumes: [{ name: 'v', hostPath: { path: '/' } }], securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
  ),
  [
    'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
    'hostPath volumes (volume "v")',
    'hostPort (container "c" uses hostPort 8080)',
    'probe or lifecycle host (container "c" uses probe or lifecycle host "elsewhere")',
    'privileged (container "c" must not set securityContext.privileged=true)',
    'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    'forbidden sysctls (kernel.msgmax)',
    'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
  ].join(', '),
)
check(
  'several containers are named in order',
  'baseline',
  {
    containers: [{ name: 'b', image: 'i', securityContext: { privileged: true } }],
    initContainers: [{ name: 'a', image: 'i', securityContext: { privileged: true } }],
  },
  'privileged (containers "a", "b" must not set securityContext.privileged=true)',
)
check('hosts of probes were free before 1.34', 'baseline:v1.33', spec({ livenessProbe: { tcpSocket: { port: 80, host: 'x' } } }), '')
check(
  'sysctls become safe with versions',
  'baseline:v1.28',
  spec({}, { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout', value: '1' }] } }),
  'forbidden sysctls (net.ipv4.tcp_fin_timeout)',
)
check(
  'sysctls become safe with versions',
  'baseline:v1.29',
  spec({}, { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout', value: '1' }] } }),
  '',
)
check(
  'seccomp annotations counted before 1.19',
  'baseline:v1.0',
  spec({}),
  'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
)
check(
  'AppArmor annotations count',
  'baseline',
  spec({}),
  'forbidden AppArmor profile (annotation container.apparmor.security.beta.kubernetes.io/c="unconfined")',
  { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' },
)
check(
  'restricted volumes stand in for hostPath',
  'restricted',
  spec(secure({}), {
    volumes: [
      { name: 'h', hostPath: { path: '/' } },
      { name: 'n', nfs: { server: 's', path: '/' } },
      { name: 'e', emptyDir: {} },
      { name: 'i', image: { reference: 'r' } },
    ],
  }),
  'restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")',
)
check(
  'only NET_BIND_SERVICE may be added',
  'restricted',
  spec(secure({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } })),
  'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
)
check(
  'root is refused by number and by name',
  'restricted',
  spec(secure({ runAsUser: 0, runAsNonRoot: false })),
  'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "c" must not set runAsUser=0)',
)
check(
  'root in a user namespace of its own is nobody',
  'restricted',
  spec(secure({ runAsUser: 0, runAsNonRoot: false }), { hostUsers: false }),
  '',
)
check(
  'root in a user namespace was root before 1.35',
  'restricted:v1.34',
  spec(secure({ runAsUser: 0 }), { hostUsers: false }),
  'runAsUser=0 (container "c" must not set runAsUser=0)',
)
check(
  'what the pod states holds for its containers',
  'restricted',
  spec(
    { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost', localhostProfile: 'p' } } },
  ),
  '',
)

test('labels give a policy, and say what is wrong with them', () => {
  const { policy, errors } = policyOf({
    'pod-security.kubernetes.io/enforce': 'strict',
    'pod-security.kubernetes.io/warn-version': '1.30',
    'pod-security.kubernetes.io/audit': 'no',
  })
  assert.equal(textOf(policy.enforce), 'restricted:latest')
  assert.equal(textOf(policy.audit), 'privileged:latest')
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    [
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "no": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"',
    ],
  )
  assert.equal(
    textOf(
      policyOf({ 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/enforce-version': 'v1.30' }).policy.enforce,
    ),
    'baseline:v1.30',
  )
})
