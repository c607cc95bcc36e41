/** Pods: fields behind gates that Kubernetes 1.36 leaves off, and whose features are served here. */
import { podOf, pods, specs } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

/** What the server that was recorded was started with. */
export const featureGates = 'ContainerStopSignals=true,TaintTolerationComparisonOperators=true,GenericWorkload=true'

const stop = (stopSignal: string, os?: string) => podOf({ lifecycle: { stopSignal } }, os ? { os: { name: os } } : {})
const toleration = (change: object) => ({ tolerations: [{ key: 'a', operator: 'Gt', ...change }] })

export const cases: readonly Case[] = [
  { name: 'a stop signal without an operating system', steps: [create(pods, stop('SIGUSR1'))] },
  { name: 'a stop signal', steps: [create(pods, stop('SIGUSR1', 'linux'))] },
  { name: 'an unknown stop signal', steps: [create(pods, stop('SIGWINNER', 'linux'))] },
  { name: 'a stop signal that Windows has', steps: [create(pods, stop('SIGTERM', 'windows'))] },
  { name: 'a stop signal that Windows has not', steps: [create(pods, stop('SIGUSR1', 'windows'))] },
  ...specs({
    'a scheduling group': { schedulingGroup: { podGroupName: 'g' } },
    'a scheduling group without a name': { schedulingGroup: {} },
    'a scheduling group with a bad name': { schedulingGroup: { podGroupName: 'A_b' } },
    'a toleration of more': toleration({ value: '5' }),
    'a toleration of less': toleration({ operator: 'Lt', value: '-5', effect: 'NoSchedule' }),
    'a toleration of more than no number': toleration({ value: 'x' }),
    'a toleration of more than nothing': toleration({}),
    'a toleration of more than a number with zeros': toleration({ value: '007' }),
    'a toleration of more than a number beyond all': toleration({ value: '9223372036854775808' }),
  }),
]
