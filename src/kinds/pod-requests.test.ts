import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from './generated/types/core-v1.ts'
import { type PodRequestOptions, podLimits, podRequests } from './pod-requests.ts'

const container = (name: string, cpu?: string, extra: object = {}) => ({
  name,
  ...(cpu ? { resources: { requests: { cpu } } } : {}),
  ...extra,
})
const sidecar = (name: string, cpu: string) => container(name, cpu, { restartPolicy: 'Always' })
const pod = (spec: Partial<Pod['spec'] & object>, status?: Pod['status']): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [], ...spec },
  ...(status ? { status } : {}),
})

function check(title: string, input: Pod, expected: Record<string, number>, options?: PodRequestOptions): void {
  test(title, () => assert.deepEqual(podRequests(input, options), expected))
}

check(
  'sums app containers in milli-CPU and bytes',
  pod({
    containers: [
      { name: 'a', resources: { requests: { cpu: '250m', memory: '64Mi' } } },
      { name: 'b', resources: { requests: { cpu: 1, 'example.com/gpu': '2' } } },
    ],
  }),
  { cpu: 1250, memory: 67108864, 'example.com/gpu': 2 },
)
check(
  'the largest init container counts alone',
  pod({ containers: [container('a', '1')], initContainers: [container('i', '3'), container('j', '2')] }),
  { cpu: 3000 },
)
check('sidecars run beside the app containers', pod({ containers: [container('a', '1')], initContainers: [sidecar('s', '1')] }), {
  cpu: 2000,
})
check(
  'an init container runs beside the sidecars before it only',
  pod({
    containers: [container('a', '1')],
    initContainers: [container('early', '4'), sidecar('s', '2'), container('late', '3')],
  }),
  { cpu: 5000 },
)
check('overhead comes on top', pod({ containers: [container('a', '1')], overhead: { cpu: '250m', memory: '10' } }), {
  cpu: 1250,
  memory: 10,
})
check(
  'pod-level requests stand in for the sum of what they name',
  pod({
    containers: [{ name: 'a', resources: { requests: { cpu: '1', memory: '1' } } }],
    resources: { requests: { cpu: '500m' } },
  }),
  { cpu: 500, memory: 1 },
)
check(
  'containers without a request get the missing amount',
  pod({ containers: [container('a', '1'), container('b')] }),
  { cpu: 1100, memory: 400 },
  { missing: { cpu: 100, memory: 200 } },
)

const resizing = (conditions: { type: string; status: string; reason: string }[]) =>
  pod(
    { containers: [container('a', '1')] },
    {
      conditions,
      containerStatuses: [
        {
          name: 'a',
          image: '',
          imageID: '',
          ready: true,
          restartCount: 0,
          resources: { requests: { cpu: '3' } },
          allocatedResources: { cpu: '2' },
        },
      ],
    },
  )
check('ignores the status unless asked', resizing([]), { cpu: 1000 })
check('takes the larger of wish, allocation and actual size', resizing([]), { cpu: 3000 }, { useStatus: true })
check(
  'an infeasible resize counts what is there',
  (() => {
    const p = resizing([{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }])
    p.spec!.containers[0]!.resources = { requests: { cpu: '9' } }
    return p
  })(),
  { cpu: 3000 },
  { useStatus: true },
)
check('an empty object asks for nothing', { metadata: {} }, {})

test('overhead raises a limit but does not make one', () => {
  const p = pod({ containers: [{ name: 'a', resources: { limits: { cpu: '1' } } }], overhead: { cpu: '250m', memory: '1Mi' } })
  assert.deepEqual(podLimits(p), { cpu: 1250 })
})
