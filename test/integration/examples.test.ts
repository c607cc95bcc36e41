// The examples that need no real containers, as their pages say to run them.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { docBlocks } from '../tidy/doc-blocks.ts'
import { type ClientCluster, startClientCluster } from './stock-clients.ts'

let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 2 })
})
after(() => cluster.close())

// npm would look for the scripts where the lines run.
const npm = `npm() { command npm --prefix ${resolve('.')} "$@"; }`

test('examples/batch-queue: every task is placed and succeeds', async () => {
  const [work, look] = docBlocks('examples/batch-queue/README.md', 'sh')
  const { code, stdout, stderr } = await cluster.sh(`set -e\n${npm}\n${work?.text}${look?.text}`)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^20 of 20 tasks succeeded/)
  assert.match(stdout, /framework\.keelson\.dev\/batch-queue/)
})

test('examples/service-scheduler: the replicas are placed, spread over the nodes', async () => {
  const [serve, work] = docBlocks('examples/service-scheduler/README.md', 'sh')
  // A terminal of its own: ended as a whole.
  const terminal = spawn('sh', ['-c', `${npm}\n${serve?.text}`], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, KUBECONFIG: join(cluster.dir, 'data', 'admin.kubeconfig') },
  })
  try {
    const { code, stdout, stderr } = await cluster.sh(`set -e
      ${work?.text}
      kubectl rollout status deployment/web --timeout=60s
      kubectl get pods -l app=web -o jsonpath='{.items[*].spec.nodeName}'`)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /node-1/)
    assert.match(stdout, /node-2/)
  } finally {
    process.kill(-terminal.pid!, 'SIGTERM')
  }
})
