import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container, Pod, ResourceRequirements } from '../../../src/kinds/generated/types/core-v1.ts'
import { seccompRoot } from '../../../src/node/host/agent-files.ts'
import { podCgroupPath } from '../../../src/node/resources/pod-cgroups.ts'
import { readCgroupTree } from '../../../src/platform/cgroup.ts'
import { writeTextFile } from '../../../src/platform/text-file.ts'
import { type AgentWorld, isOver, isReady, shell } from '../agent-world.ts'
import { execIn, logOf, longMs, type Scenario, statusOf } from './scenario.ts'

const mebibyte = 2 ** 20
const sleeper = shell('trap exit TERM; sleep 1000 & wait')
const wholePod = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu: '20m', memory: '60Mi' },
  limits: { cpu, memory },
})

/** What upstream's later features ask of the node, beside the conformance suite's texts. */
export const nodeScenarios: readonly Scenario[] = [
  {
    title: 'the limits of a pod as a whole hold it and its containers without limits of their own, also when they change',
    covers: [],
    run: async (world, name) => {
      const fromPod = { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } }
      const own = { limits: { memory: '50Mi' } }
      const containers: Container[] = [
        { ...sleeper, name: 'open', env: [fromPod] },
        { ...sleeper, name: 'own', resources: own },
      ]
      await world.create(name, { terminationGracePeriodSeconds: 0, resources: wholePod('200m', '80Mi'), containers })
      const pod = await world.until(name, isReady, longMs)
      assert.equal(await execIn(world, pod, 'open', '/bin/sh', '-c', 'echo $LIMIT'), '80')
      assert.deepEqual(await memoryLimits(world, pod), { pod: 80 * mebibyte, open: 80 * mebibyte, own: 50 * mebibyte })
      const body = { spec: { resources: wholePod('300m', '120Mi') } }
      await world.pods().patch(name, { type: 'strategic', body }, { subresource: 'resize' })
      const isResized = ({ status, metadata }: Pod) =>
        status?.observedGeneration === metadata.generation && status?.resources?.limits?.memory === '120Mi'
      const resized = await world.until(name, (p) => p !== undefined && isResized(p), longMs)
      assert.deepEqual(await memoryLimits(world, resized), { pod: 120 * mebibyte, open: 120 * mebibyte, own: 50 * mebibyte })
      assert.equal(statusOf(resized, 'open')?.restartCount, 0)
    },
  },
  {
    title: 'an exit that asks for it has the containers of its pod begin anew, what they wrote into its volumes there',
    covers: [],
    run: async (world, name) => {
      const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]
      const volumeMounts = [{ name: 'work', mountPath: '/rounds' }]
      // What the init container writes is the others' to know, in each round anew.
      const round = { name: 'ROUND', valueFrom: { fileKeyRef: { volumeName: 'work', path: 'env', key: 'ROUND' } } }
      // The first round ends when both app containers run.
      const worker = shell('until [ -e /rounds/other ]; do sleep 0.1; done; [ $(wc -l < /rounds/rounds) = 1 ] && exit 42; sleep 1000')
      const pod = await world.create(name, {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: 'work', emptyDir: {} }],
        initContainers: [
          { ...shell(`echo round >> /rounds/rounds; echo "ROUND='$(wc -l < /rounds/rounds)'" > /rounds/env`), name: 'init', volumeMounts },
        ],
        containers: [
          { ...worker, name: 'worker', volumeMounts, restartPolicy: 'Never', restartPolicyRules },
          { ...shell('touch /rounds/other; sleep 1000'), name: 'other', volumeMounts, env: [round] },
        ],
      })
      const names = ['init', 'worker', 'other']
      const hasRestarted = (p: Pod | undefined) => names.every((one) => statusOf(p, one)?.restartCount === 1)
      const again = await world.until(name, (p) => hasRestarted(p) && isReady(p), longMs)
      assert.equal(again?.metadata.uid, pod.metadata.uid)
      assert.equal(statusOf(again, 'worker')?.lastState?.terminated?.exitCode, 42)
      assert.equal(statusOf(again, 'other')?.lastState?.terminated?.reason, 'RestartingAllContainers')
      assert.equal(await execIn(world, again, 'other', 'cat', '/rounds/rounds'), 'round\nround')
      assert.equal(await execIn(world, again, 'other', '/bin/sh', '-c', 'echo $ROUND'), '2')
      assert.equal(again?.status?.conditions?.find((c) => c.type === 'AllContainersRestarting')?.status, 'False')
    },
  },
  {
    title: "a seccomp profile of the node's own is found below its folder, and one that is not there is told of",
    covers: [],
    run: async (world, name) => {
      const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] }
      writeTextFile(join(seccompRoot(world.files.rootDir), 'profiles/no-mkdir.json'), JSON.stringify(profile))
      const of = (localhostProfile: string) => ({ seccompProfile: { type: 'Localhost' as const, localhostProfile } })
      const main = { ...shell('mkdir /tmp/x 2>&1 || echo refused'), securityContext: of('profiles/no-mkdir.json') }
      await world.create(name, { restartPolicy: 'Never', containers: [main] })
      await world.create(`${name}-none`, { containers: [{ ...main, securityContext: of('none.json') }] })
      const waits = await world.until(`${name}-none`, (p) => statusOf(p, 'main')?.state?.waiting?.message !== undefined, longMs)
      const { reason, message } = statusOf(waits, 'main')!.state!.waiting!
      assert.equal(reason, 'CreateContainerError')
      assert.match(message ?? '', /seccomp\/none\.json.*no such file or directory/)
      assert.match(await world.untilEvent(`${name}-none`, 'Failed'), /^Error: .*seccomp\/none\.json.*no such file or directory/)
      await world.until(name, isOver, longMs)
      assert.match(await logOf(world, name), /Operation not permitted\nrefused\n/)
    },
  },
]

const memoryFile = readCgroupTree().mode === 'unified' ? 'memory.max' : 'memory.limit_in_bytes'

/** In bytes, as the kernel has them. */
async function memoryLimits({ files, ...world }: AgentWorld, pod: Pod | undefined): Promise<Record<string, number>> {
  const path = join(podCgroupPath(files.cgroupRoot, pod!), memoryFile)
  const ofPod = readCgroupTree()
    .roots.map((root) => join(root, path))
    .find(existsSync)
  const inside = memoryFile === 'memory.max' ? '/sys/fs/cgroup/memory.max' : `/sys/fs/cgroup/memory/${memoryFile}`
  const of = async (container: string) => Number(await execIn({ files, ...world }, pod, container, 'cat', inside))
  return { pod: Number(readFileSync(ofPod!, 'utf8')), open: await of('open'), own: await of('own') }
}
