/** Pods: security contexts, and what an operating system allows of them. */
import { containers, plainContainer, podOf, pods, specs } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const of = (securityContext: object) => ({ securityContext })
const sysctls = (...list: { name?: string; value?: string }[]) => of({ sysctls: list.map((one) => ({ value: '1', ...one })) })
const windows = (windowsOptions: object) => of({ windowsOptions })
const host = (hostProcess: boolean) => ({ ...plainContainer, ...windows({ hostProcess }) })

const everythingOfLinux = {
  appArmorProfile: { type: 'RuntimeDefault' },
  seLinuxOptions: { level: 's0' },
  seccompProfile: { type: 'RuntimeDefault' },
  runAsUser: 1,
  runAsGroup: 1,
}

export const cases: readonly Case[] = [
  ...containers({
    'a negative user': of({ runAsUser: -1, runAsGroup: -1 }),
    'a user beyond all': of({ runAsUser: 2147483648, runAsGroup: 2147483648 }),
    'an unknown proc mount': of({ procMount: 'Half' }),
    'an unmasked proc mount with the host’s users': of({ procMount: 'Unmasked' }),
    'a seccomp profile without a type': of({ seccompProfile: {} }),
    'an unknown seccomp profile': of({ seccompProfile: { type: 'Strict' } }),
    'a local seccomp profile without a name': of({ seccompProfile: { type: 'Localhost' } }),
    'a local seccomp profile with an empty name': of({ seccompProfile: { type: 'Localhost', localhostProfile: '' } }),
    'a local seccomp profile outside of its folder': of({ seccompProfile: { type: 'Localhost', localhostProfile: '../a' } }),
    'an absolute local seccomp profile': of({ seccompProfile: { type: 'Localhost', localhostProfile: '/a' } }),
    'a seccomp profile with a name that is not local': of({ seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' } }),
    'an AppArmor profile without a type': of({ appArmorProfile: {} }),
    'an unknown AppArmor profile': of({ appArmorProfile: { type: 'Strict', localhostProfile: 'a' } }),
    'a local AppArmor profile without a name': of({ appArmorProfile: { type: 'Localhost' } }),
    'a local AppArmor profile with an empty name': of({ appArmorProfile: { type: 'Localhost', localhostProfile: '' } }),
    'a local AppArmor profile with blanks': of({ appArmorProfile: { type: 'Localhost', localhostProfile: ' a ' } }),
    'a local AppArmor profile with a name too long': of({ appArmorProfile: { type: 'Localhost', localhostProfile: 'a'.repeat(4096) } }),
    'an AppArmor profile with a name that is not local': of({ appArmorProfile: { type: 'Unconfined', localhostProfile: 'a' } }),
    'privileged without escalation': of({ privileged: true, allowPrivilegeEscalation: false }),
    'an administrator without escalation': of({ allowPrivilegeEscalation: false, capabilities: { add: ['CAP_SYS_ADMIN'] } }),
    'another name of an administrator without escalation': of({ allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } }),
    'a bad credential of Windows': windows({ gmsaCredentialSpecName: 'A_b', gmsaCredentialSpec: '' }),
    'a credential of Windows too long': windows({ gmsaCredentialSpec: 'a'.repeat(65537) }),
    'an empty user of Windows': windows({ runAsUserName: '' }),
    'a user of Windows with a bell': windows({ runAsUserName: 'a\u0007' }),
    'a user of Windows with two backslashes': windows({ runAsUserName: 'a\\b\\c' }),
    'a user of Windows with a bad domain': windows({ runAsUserName: '.a_b?\\c' }),
    'a user of Windows with a domain too long': windows({ runAsUserName: `${'a'.repeat(256)}\\c` }),
    'a user of Windows without a user': windows({ runAsUserName: 'a\\' }),
    'a user of Windows too long': windows({ runAsUserName: 'a'.repeat(105) }),
    'a user of Windows of dots': windows({ runAsUserName: '. .' }),
    'a user of Windows with bad letters': windows({ runAsUserName: 'a@b' }),
    'a host process without the host’s network': windows({ hostProcess: true }),
  }),
  ...specs({
    'negative groups': of({ fsGroup: -1, runAsUser: -1, runAsGroup: -1, supplementalGroups: [1, -1] }),
    'an unknown way to change groups': of({ fsGroupChangePolicy: 'Later' }),
    'an unknown way to add groups': of({ supplementalGroupsPolicy: 'Later' }),
    'an unknown way to label': of({ seLinuxChangePolicy: 'Later' }),
    'labelling by mount': of({ seLinuxChangePolicy: 'MountOption' }),
    'bad sysctls': sysctls({ name: '' }, { name: 'a..b' }, { name: 'kernel.x' }, { name: 'kernel.x' }, { name: 'A' }),
    'a sysctl too long': sysctls({ name: `a${'.a'.repeat(127)}` }),
    'sysctls of the host’s network': { hostNetwork: true, ...sysctls({ name: 'net.core.somaxconn' }, { name: 'net/x' }) },
    'sysctls of the host’s memory': {
      hostIPC: true,
      ...sysctls({ name: 'kernel.shm_rmid_forced' }, { name: 'fs.mqueue.x' }, { name: 'kernel/sem' }),
    },
    'a bad seccomp profile of the pod': of({ seccompProfile: { type: 'Strict', localhostProfile: 'a' } }),
    'a bad AppArmor profile of the pod': of({ appArmorProfile: { type: 'Localhost' } }),
    'bad options of Windows of the pod': windows({ runAsUserName: '' }),
    'shared processes with the host’s': { hostPID: true, shareProcessNamespace: true },
    'the host’s namespaces in a user namespace': { hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true },
    'a user namespace': { hostUsers: false },
    'an unmasked proc mount in a user namespace': {
      hostUsers: false,
      containers: [{ ...plainContainer, ...of({ procMount: 'Unmasked' }) }],
    },
    'host processes on the host’s network': { hostNetwork: true, containers: [host(true)] },
    'host processes of some': { hostNetwork: true, containers: [host(true), { ...host(false), name: 'd' }] },
    'host processes that contradict the pod': { hostNetwork: true, ...windows({ hostProcess: false }), containers: [host(true)] },
    'host processes by the pod': { ...windows({ hostProcess: true }), initContainers: [{ name: 'i', image: 'x' }] },
    'an unknown operating system': { os: { name: 'plan9' } },
    'an operating system without a name': { os: {} },
    'options of Windows on Linux': { os: { name: 'linux' }, ...windows({ hostProcess: false }), containers: [host(false)] },
    'everything of Linux on Windows': {
      os: { name: 'windows' },
      hostPID: true,
      hostIPC: true,
      hostUsers: true,
      shareProcessNamespace: false,
      securityContext: {
        ...everythingOfLinux,
        fsGroup: 1,
        fsGroupChangePolicy: 'Always',
        supplementalGroups: [1],
        supplementalGroupsPolicy: 'Merge',
        seLinuxChangePolicy: 'Recursive',
        sysctls: [{ name: 'kernel.x', value: '1' }],
      },
    },
  }),
  {
    name: 'everything of Linux on Windows in a container',
    steps: [
      create(
        pods,
        podOf(
          of({
            ...everythingOfLinux,
            capabilities: { add: ['A'] },
            readOnlyRootFilesystem: true,
            privileged: false,
            allowPrivilegeEscalation: true,
            procMount: 'Default',
          }),
          { os: { name: 'windows' } },
        ),
      ),
    ],
  },
]
