import { shell } from '../agent-world.ts'
import { type ContainerCase, one } from './container-case.ts'

/** As whom a container runs and what it may. */
export const securityCases: readonly ContainerCase[] = [
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
    title:
      'Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false',
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
