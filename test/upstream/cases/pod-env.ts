/** Pods: environment variables and what they are taken from. */
import { containers, podOf, pods } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const from = (valueFrom: object, more: object = {}) => ({ env: [{ name: 'A', ...more, valueFrom }] })
const field = (fieldPath: string | null, apiVersion = 'v1') => from({ fieldRef: { fieldPath, apiVersion } })
const resource = (resourceName: string | null, divisor?: string, containerName?: string) =>
  from({ resourceFieldRef: { resource: resourceName, ...(divisor ? { divisor } : {}), ...(containerName ? { containerName } : {}) } })
const file = (ref: object) =>
  podOf(from({ fileKeyRef: { volumeName: 'v', path: 'a', key: 'K', ...ref } }), { volumes: [{ name: 'v', emptyDir: {} }] })

export const cases: readonly Case[] = [
  ...containers({
    'a variable without a name': { env: [{ value: 'x' }] },
    'a variable with an equals sign': { env: [{ name: 'a=b', value: 'x' }] },
    'a variable with a letter beyond ASCII': { env: [{ name: 'ä', value: 'x' }] },
    'a variable with a blank': { env: [{ name: 'a b', value: 'x' }] },
    'a variable with a number first': { env: [{ name: '1a', value: 'x' }] },
    'a variable twice': {
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    'a variable that is hidden by another kind of source': {
      env: [
        { name: 'A', value: '1' },
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
    },
    'a variable from nowhere': from({}),
    'a variable with a value and a source': from({ fieldRef: { fieldPath: 'metadata.name' } }, { value: 'x' }),
    'a variable with a value and an empty source': from({}, { value: 'x' }),
    'a variable from two places': from({ fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } }),
    'a field without a path': field(null),
    'a field of another version': field('metadata.name', 'v2'),
    'an unknown field': field('spec.colour'),
    'a field that is known but not for variables': field('spec.restartPolicy'),
    'a field of volumes only': field('metadata.labels'),
    'a label': field("metadata.labels['a']"),
    'a bad label': field("metadata.labels['a b']"),
    'an annotation in upper case': field("metadata.annotations['A/b']"),
    'a bad annotation': field("metadata.annotations['a b']"),
    'a subscript where none is known': field("metadata.name['a']"),
    'a subscript of an unknown field': field("spec.colour['a']"),
    'the address of the host in a pod that is old': field('spec.host'),
    'a resource without a name': resource(null),
    'an unknown resource': resource('limits.gpu'),
    'a resource of huge pages': resource('limits.hugepages-2Mi'),
    'a resource of another container': resource('requests.memory', '1Mi', 'other'),
    'a bad divisor of cpu': resource('limits.cpu', '10'),
    'a bad divisor of memory': resource('limits.memory', '10'),
    'a bad divisor of storage': resource('requests.ephemeral-storage', '3'),
    'a bad divisor of huge pages': resource('requests.hugepages-2Mi', '3'),
    'a divisor of cpu in thousandths': resource('limits.cpu', '1m'),
    'a divisor that is no quantity': resource('limits.cpu', 'x'),
    'a key of a ConfigMap without anything': from({ configMapKeyRef: {} }),
    'a bad key of a ConfigMap': from({ configMapKeyRef: { name: 'A_b', key: 'a b' } }),
    'a key of a ConfigMap too long': from({ configMapKeyRef: { name: 'a', key: 'k'.repeat(254) } }),
    'a key of a Secret without anything': from({ secretKeyRef: {} }),
    'a bad key of a Secret': from({ secretKeyRef: { name: 'A_b', key: '..' } }),
    'a key of a Secret that leaves': from({ secretKeyRef: { name: 'a', key: '..x' } }),
    'all of nothing': { envFrom: [{}] },
    'all of two': { envFrom: [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }] },
    'all of a ConfigMap without a name': { envFrom: [{ configMapRef: {} }] },
    'all of a ConfigMap with a bad name': { envFrom: [{ configMapRef: { name: 'A_b' } }] },
    'all of a Secret without a name': { envFrom: [{ secretRef: {} }] },
    'all of a Secret with a bad name': { envFrom: [{ secretRef: { name: 'A_b-' } }] },
    'a bad prefix': { envFrom: [{ prefix: 'a=', secretRef: { name: 'b' } }] },
    'several of these': { env: [{ name: '' }, { name: 'A', valueFrom: {} }], envFrom: [{}, { prefix: '=' }] },
    'a key of a file in a volume that is not there': from({ fileKeyRef: { volumeName: 'w', path: 'a', key: 'K' } }),
  }),
  { name: 'a key of a file', steps: [create(pods, file({}))] },
  { name: 'a key of a file without anything', steps: [create(pods, file({ volumeName: '', path: '', key: '' }))] },
  { name: 'a bad key of a file', steps: [create(pods, file({ volumeName: 'V', path: '../a', key: 'a=b' }))] },
  { name: 'a key of an absolute file', steps: [create(pods, file({ path: '/a' }))] },
  {
    name: 'a key of a file in a volume of another kind',
    steps: [
      create(
        pods,
        podOf(from({ fileKeyRef: { volumeName: 'v', path: 'a', key: 'K' } }), { volumes: [{ name: 'v', hostPath: { path: '/a' } }] }),
      ),
    ],
  },
]
