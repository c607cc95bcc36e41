import { shell } from '../agent-world.ts'
import { type ContainerCase, inOneVolume, mount, nobody, one } from './container-case.ts'

/** What is told of containers that have ended. */
export const endingCases: readonly ContainerCase[] = [
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
      'Container Runtime blackbox test on terminated container should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo DONE'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    status: ({ state }) => state?.terminated?.message,
    shows: undefined,
  },
  {
    title:
      'Container Runtime blackbox test on terminated container should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo OK > /dev/termination-log; echo DONE'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    status: ({ state }) => state?.terminated?.message,
    shows: 'OK\n',
  },
  {
    title:
      'Container Runtime blackbox test on terminated container should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set',
    spec: one({ ...shell('echo DONE; exit 1'), terminationMessagePolicy: 'FallbackToLogsOnError' }),
    phase: 'Failed',
    status: ({ state }) => state?.terminated?.message,
    shows: 'DONE\n',
  },
  {
    title:
      'Container Runtime blackbox test on terminated container should report termination message if TerminationMessagePath is set as non-root user and at a non-default path',
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
    covers: ['Container Runtime blackbox test when starting a container that exits should run with the expected status'],
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
    title: 'Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook properly',
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
