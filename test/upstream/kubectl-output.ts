import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const namespace = 'kubectl-output'
const kinds = [
  ...['pods', 'deployments', 'statefulsets', 'daemonsets', 'replicasets', 'services', 'jobs', 'cronjobs', 'configmaps', 'secrets'],
  ...['serviceaccounts', 'pvc', 'ingresses', 'networkpolicies', 'hpa', 'pdb', 'resourcequotas', 'limitranges', 'roles', 'rolebindings'],
].join(',')

/** What nobody's kubelet and controllers report, since none run. */
const statuses: readonly (readonly [what: string, status: object])[] = [
  [
    'node/kubectl-output-n1',
    {
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready', lastHeartbeatTime: null }],
      nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Linux', kernelVersion: '6.1', containerRuntimeVersion: 'containerd://2.0' },
    },
  ],
  [
    'pod/p1',
    {
      phase: 'Running',
      podIP: '10.244.0.7',
      podIPs: [{ ip: '10.244.0.7' }],
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        {
          name: 'c',
          image: 'nginx:1',
          imageID: 'x',
          ready: true,
          restartCount: 2,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    },
  ],
  ['deployment/d1', { replicas: 3, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1, unavailableReplicas: 2 }],
]

const commands: readonly (readonly string[])[] = [
  ['apply', '-f', fileAt('kubectl-objects.yaml')],
  ['apply', '-f', fileAt('kubectl-objects.yaml')],
  ...statuses.map(([what, status]) => ['patch', what, '--subresource', 'status', '--type', 'merge', '-p', JSON.stringify({ status })]),
  ['get', kinds, '-o', 'wide'],
  ['get', 'all', '--show-labels'],
  ['get', 'node/kubectl-output-n1', 'pv/kubectl-output-pv1', 'ns/kubectl-output', '-o', 'wide', '--show-labels'],
  // Of one object kubectl tells the events by itself.
  ['describe', kinds, '--show-events'],
  ['describe', '--show-events', 'node/kubectl-output-n1', 'pv/kubectl-output-pv1', 'ns/kubectl-output'],
  ['rollout', 'history', 'deployment/d1'],
  ['auth', 'can-i', '--list', '--as', 'nobody'],
]

/** What `kubectl` prints, command by command, without what differs from run to run; takes the objects away again. */
export async function kubectlOutput(kubeconfig: string, cacheDir: string): Promise<string> {
  const kubectl = async (args: readonly string[]): Promise<string> => {
    const all = ['--kubeconfig', kubeconfig, '--cache-dir', cacheDir, '-n', namespace, ...args]
    const { stdout, stderr } = await run(fileAt('../../.cache/clients/kubectl'), all).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    )
    return stdout + stderr
  }
  let text = ''
  for (const command of commands) text += `$ kubectl ${command.join(' ').replaceAll(fileAt('.'), '')}\n${settled(await kubectl(command))}\n`
  await kubectl(['delete', kinds, '--all', '--wait=false', '--force', '--grace-period=0'])
  // No controller runs that would let go of them, and empty the namespace.
  for (const what of ['pvc/pvc1', 'pv/kubectl-output-pv1'])
    await kubectl(['patch', what, '--type', 'merge', '-p', '{"metadata":{"finalizers":null}}'])
  await kubectl(['delete', 'ns/kubectl-output', 'node/kubectl-output-n1', 'pv/kubectl-output-pv1', '--wait=false'])
  await kubectl(['replace', '--raw', `/api/v1/namespaces/${namespace}/finalize`, '-f', fileAt('kubectl-finalized.json')])
  return text
}

const masks: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w+ \d{4} [\d:]+ [+-]\d{4}/g, '<time>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z| [+-]\d{4} UTC)/g, '<time>'],
  [/(?<=\s)(?:\d+[dhms])+(?=\s)/g, '<age>'],
  [/\(\d+[dhms\d]* ago\)/g, '(<age> ago)'],
  [/(kube-api-access-)\w{5}/g, '$1<random>'],
  // Told by some releases of kubectl only.
  [/^(?: {2}Kube-Proxy Version|Time Zone):.*\n/gm, ''],
  // Columns are as wide as their widest cell, and ages differ.
  [/ {2,}/g, '  '],
]
const settled = (text: string) => masks.reduce((masked, [pattern, mask]) => masked.replaceAll(pattern, mask), text)
