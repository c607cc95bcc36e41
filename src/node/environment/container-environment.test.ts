import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, ConfigMap, Pod, Secret, Service } from '../../kinds/generated/types/core-v1.ts'
import { StartError } from '../pod/start-error.ts'
import { containerEnvironment } from './container-environment.ts'
import { expandVariables } from './expand-variables.ts'
import { serviceEnvironment } from './service-environment.ts'

const configMaps: Record<string, ConfigMap> = { conf: { metadata: { name: 'conf' }, data: { MODE: 'quiet', LEVEL: '3' } } }
const secrets: Record<string, Secret> = { key: { metadata: { name: 'key' }, data: { TOKEN: Buffer.from('s3cret').toString('base64') } } }
const services: Service[] = [
  { metadata: { name: 'kubernetes', namespace: 'default' }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] } },
  { metadata: { name: 'my-db', namespace: 'ns' }, spec: { clusterIP: '10.96.0.7', ports: [{ port: 5432, protocol: 'TCP' }] } },
  { metadata: { name: 'headless', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
  { metadata: { name: 'far', namespace: 'other' }, spec: { clusterIP: '10.96.0.8', ports: [{ port: 1 }] } },
]
const source = containerEnvironment({
  objects: { configMap: async (_, name) => configMaps[name], secret: async (_, name) => secrets[name] },
  services: async () => services,
  nodeName: 'n1',
  hostIps: () => ['10.0.0.1'],
  allocatable: () => ({ cpu: '4', memory: '8Gi' }),
  volumeFile: async (_, volume, path) => {
    if (volume !== 'work' || path !== 'made.env') throw new Error(`"${path}" does not exist`)
    return "PORT='80'"
  },
})
const podOf = (container: Partial<Container>): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { app: 'web' } },
  spec: { enableServiceLinks: false, serviceAccountName: 'sa', containers: [{ name: 'c', ...container }] },
})
async function environmentOf(container: Partial<Container>): Promise<Record<string, string>> {
  const pod = podOf(container)
  const env = await source.of(pod, { container: pod.spec!.containers[0]!, role: 'app' }, ['10.244.0.9'])
  return Object.fromEntries(env.filter((e) => !e.name.startsWith('KUBERNETES_')).map((e) => [e.name, e.value]))
}

const from = (name: string, valueFrom: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>) => ({ name, valueFrom })
const good: readonly { title: string; container: Partial<Container>; expected: Record<string, string> }[] = [
  {
    title: 'plain values, expanded in order',
    container: {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '$(A)$(C)$$(A)' },
        { name: 'C', value: '3' },
      ],
    },
    expected: { A: '1', B: '1$(C)$(A)', C: '3' },
  },
  {
    title: 'envFrom with a prefix, overridden by env',
    container: {
      envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'X_' }, { secretRef: { name: 'key' } }],
      env: [{ name: 'X_LEVEL', value: '9' }],
    },
    expected: { X_LEVEL: '9', X_MODE: 'quiet', TOKEN: 's3cret' },
  },
  {
    title: 'one key of a ConfigMap',
    container: { env: [from('M', { configMapKeyRef: { name: 'conf', key: 'MODE' } })] },
    expected: { M: 'quiet' },
  },
  {
    title: 'what is missing but optional is left out',
    container: {
      env: [from('M', { configMapKeyRef: { name: 'none', key: 'x', optional: true } })],
      envFrom: [{ secretRef: { name: 'none', optional: true } }],
    },
    expected: {},
  },
  {
    title: 'fields of the pod and the node',
    container: {
      env: [
        from('NAME', { fieldRef: { fieldPath: 'metadata.name' } }),
        from('APP', { fieldRef: { fieldPath: "metadata.labels['app']" } }),
        from('NODE', { fieldRef: { fieldPath: 'spec.nodeName' } }),
        from('IP', { fieldRef: { fieldPath: 'status.podIP' } }),
        from('HOST', { fieldRef: { fieldPath: 'status.hostIP' } }),
        from('SA', { fieldRef: { fieldPath: 'spec.serviceAccountName' } }),
      ],
    },
    expected: { NAME: 'p', APP: 'web', NODE: 'n1', IP: '10.244.0.9', HOST: '10.0.0.1', SA: 'sa' },
  },
  {
    title: "resources over their divisor, rounded up; the node's where there is no limit",
    container: {
      resources: { requests: { cpu: '250m', memory: '100Mi' } },
      env: [
        from('CPU', { resourceFieldRef: { resource: 'requests.cpu' } }),
        from('MILLI', { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } }),
        from('MEM', { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } }),
        from('LIMIT', { resourceFieldRef: { resource: 'limits.cpu' } }),
      ],
    },
    expected: { CPU: '1', MILLI: '250', MEM: '100', LIMIT: '4' },
  },
]
test('a key of a file that another container has written into a volume', async () => {
  assert.deepEqual(await environmentOf({ env: [fromFile('PORT')] }), { PORT: '80' })
  assert.deepEqual(await environmentOf({ env: [fromFile('NONE', 'made.env', true)] }), {})
})
for (const { title, container, expected } of good) test(title, async () => assert.deepEqual(await environmentOf(container), expected))

const fromFile = (key: string, path = 'made.env', optional = false) =>
  from('PORT', { fileKeyRef: { volumeName: 'work', path, key, optional } })

const bad: readonly { env: NonNullable<Container['env']>[number]; message: string }[] = [
  { env: from('M', { configMapKeyRef: { name: 'none', key: 'x' } }), message: 'configmap "none" not found' },
  { env: from('M', { configMapKeyRef: { name: 'conf', key: 'x' } }), message: "couldn't find key x in ConfigMap ns/conf" },
  { env: fromFile('NONE'), message: 'environment variable key "NONE" not found in file "made.env"' },
  { env: fromFile('PORT', 'none.env', true), message: 'couldn\'t parse env file: "none.env" does not exist' },
  { env: from('M', { secretKeyRef: { name: 'none', key: 'x' } }), message: 'secret "none" not found' },
  { env: from('M', { secretKeyRef: { name: 'key', key: 'x' } }), message: "couldn't find key x in Secret ns/key" },
]
for (const { env, message } of bad) {
  test(`a container cannot be configured: ${message}`, async () => {
    await assert.rejects(
      environmentOf({ env: [env] }),
      (error) => error instanceof StartError && error.reason === 'CreateContainerConfigError' && error.message === message,
    )
  })
}

test('services announce themselves as Docker links did', () => {
  const links = Object.fromEntries(serviceEnvironment(services, 'ns', true))
  assert.equal(links.MY_DB_SERVICE_HOST, '10.96.0.7')
  assert.equal(links.MY_DB_PORT_5432_TCP_ADDR, '10.96.0.7')
  assert.equal(links.MY_DB_PORT, 'tcp://10.96.0.7:5432')
  assert.equal(links.KUBERNETES_SERVICE_PORT_HTTPS, '443')
  assert.deepEqual(
    Object.keys(links).filter((k) => k.startsWith('HEADLESS') || k.startsWith('FAR')),
    [],
  )
  assert.deepEqual(
    [...serviceEnvironment(services, 'ns', false).keys()].every((k) => k.startsWith('KUBERNETES_')),
    true,
  )
})

test('an unclosed reference stays as it is', () => assert.equal(expandVariables('a $(B c $ d', new Map()), 'a $(B c $ d'))
