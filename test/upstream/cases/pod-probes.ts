/** Pods: probes, their handlers, and hooks. */
import { containers, podOf, pods } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const exec = { exec: { command: ['true'] } }
const live = (livenessProbe: object) => ({ livenessProbe })
const http = (change: object) => live({ httpGet: { port: 80, ...change } })
const hook = (preStop: object) => ({ lifecycle: { preStop } })

export const cases: readonly Case[] = [
  ...containers({
    'a probe without a handler': live({}),
    'a probe with two handlers': live({ ...exec, httpGet: { port: 80 }, tcpSocket: { port: 80 }, grpc: { port: 80 } }),
    'an exec without a command': live({ exec: {} }),
    'an HTTP probe without a port': live({ httpGet: {} }),
    'an HTTP probe with port zero': http({ port: 0 }),
    'an HTTP probe with a port beyond all': http({ port: 70000 }),
    'an HTTP probe with a bad port name': http({ port: 'Http-Port-That-Is-Long' }),
    'an HTTP probe with an empty port name': http({ port: '' }),
    'an HTTP probe with an unknown scheme': http({ scheme: 'gopher' }),
    'an HTTP probe with a bad header': http({ httpHeaders: [{ name: 'a b', value: 'x' }] }),
    'an HTTP probe with a header without a name': http({ httpHeaders: [{ value: 'x' }] }),
    'an HTTP probe with a host': http({ host: 'elsewhere' }),
    'a TCP probe without a port': live({ tcpSocket: {} }),
    'a TCP probe with a bad port': live({ tcpSocket: { port: -1 } }),
    'a gRPC probe without a port': live({ grpc: {} }),
    'a gRPC probe with a port beyond all': live({ grpc: { port: 70000 } }),
    'a gRPC probe': live({ grpc: { port: 80 } }),
    'negative numbers': live({
      ...exec,
      initialDelaySeconds: -1,
      timeoutSeconds: -1,
      periodSeconds: -1,
      successThreshold: -1,
      failureThreshold: -1,
      terminationGracePeriodSeconds: -1,
    }),
    'zero numbers': live({ ...exec, timeoutSeconds: 0, periodSeconds: 0, successThreshold: 0, failureThreshold: 0 }),
    'a grace of zero': live({ ...exec, terminationGracePeriodSeconds: 0 }),
    'two successes to be alive': live({ ...exec, successThreshold: 2 }),
    'two successes to have started': { startupProbe: { ...exec, successThreshold: 2 } },
    'two successes to be ready': { readinessProbe: { ...exec, successThreshold: 2 } },
    'a grace of readiness': { readinessProbe: { ...exec, terminationGracePeriodSeconds: 5 } },
    'a negative grace of readiness': { readinessProbe: { ...exec, terminationGracePeriodSeconds: -5 } },
    'three bad probes': { livenessProbe: {}, readinessProbe: {}, startupProbe: {} },
    'a hook without a handler': hook({}),
    'a hook with two handlers': hook({ ...exec, sleep: { seconds: 1 } }),
    'a hook that sleeps': hook({ sleep: { seconds: 5 } }),
    'a hook that sleeps not at all': hook({ sleep: { seconds: 0 } }),
    'a hook that sleeps too long': hook({ sleep: { seconds: 31 } }),
    'a hook that sleeps backwards': hook({ sleep: { seconds: -1 } }),
    'a hook over HTTP without a port': hook({ httpGet: {} }),
    'a hook over HTTP with a host': hook({ httpGet: { port: 80, host: 'elsewhere' } }),
    'a hook over TCP': hook({ tcpSocket: { port: 'x_y' } }),
    'a bad hook after the start': { lifecycle: { postStart: {}, preStop: { exec: {} } } },
    'an empty lifecycle': { lifecycle: {} },
  }),
  {
    name: 'a hook that sleeps longer than the grace of the pod',
    steps: [create(pods, podOf(hook({ sleep: { seconds: 3 } }), { terminationGracePeriodSeconds: 2 }))],
  },
]
