// A DaemonSet's rollouts driven by the stock kubectl, on nodes that only pretend.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

let cluster: TestCluster

before(async () => {
  cluster = await startCluster({ runtime: 'fake', nodes: 3 })
})
after(() => cluster?.down())

const manifest = (image: string) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'log', annotations: { 'kubernetes.io/change-cause': `image ${image}` } },
    spec: {
      selector: { matchLabels: { app: 'log' } },
      template: { metadata: { labels: { app: 'log' } }, spec: { containers: [{ name: 'c', image }] } },
    },
  })
const rolledOut = () => cluster.kubectl(['rollout', 'status', 'daemonset/log', '--timeout=60s'])
const images = async () => {
  const path = '{range .items[*]}{.spec.nodeName}={.spec.containers[0].image}{"\\n"}{end}'
  const { stdout } = await cluster.kubectl(['get', 'pods', '-l', 'app=log', '-o', `jsonpath=${path}`])
  return stdout.trim().split('\n').sort()
}

test('covers every node, and its table counts them', async () => {
  await cluster.kubectl(['apply', '-f', '-'], { input: manifest('log:1') })
  await rolledOut()
  assert.equal(new Set(await images()).size, 3)
  assert.match((await cluster.kubectl(['get', 'daemonset', 'log'])).stdout, /log +3 +3 +3 +3 +3 +<none>/)
})

test('is updated, tells its history, and is undone', async () => {
  await cluster.kubectl(['apply', '-f', '-'], { input: manifest('log:2') })
  await rolledOut()
  assert.ok((await images()).every((image) => image.endsWith('=log:2')))
  const history = (await cluster.kubectl(['rollout', 'history', 'daemonset/log'])).stdout
  assert.match(history, /^1 +image log:1$/m)
  assert.match(history, /^2 +image log:2$/m)
  assert.match((await cluster.kubectl(['rollout', 'history', 'daemonset/log', '--revision=1'])).stdout, /log:1/)
  await cluster.kubectl(['rollout', 'undo', 'daemonset/log'])
  await rolledOut()
  await eventually('the first image is back', async () => (await images()).every((image) => image.endsWith('=log:1')))
  assert.match((await cluster.kubectl(['rollout', 'history', 'daemonset/log'])).stdout, /^3 /m)
})

test('a drained node keeps its pod, and deletion leaves nothing', async () => {
  const node = (await images())[0]!.split('=')[0]!
  await cluster.kubectl(['drain', node, '--ignore-daemonsets', '--timeout=30s'])
  assert.equal((await images()).length, 3)
  await cluster.kubectl(['uncordon', node])
  await cluster.kubectl(['delete', 'daemonset', 'log', '--wait=true', '--timeout=30s'])
  await eventually('no pod and no revision is left', async () => {
    const { stdout } = await cluster.kubectl(['get', 'pods,controllerrevisions', '-o', 'name'])
    return stdout.trim() === ''
  })
})
