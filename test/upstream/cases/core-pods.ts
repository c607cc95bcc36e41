/** Pods: validation and defaults. */
import { type Case, creations, namespaced } from '../upstream-case.ts'

const pods = namespaced('v1', 'pods')
const plain = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'busybox' }] } }

export const cases: readonly Case[] = creations(pods, plain, {
  'the least pod': {},
  'no containers': { spec: { containers: [] } },
  'a name that is no DNS label': { metadata: { name: 'A_b' } },
  'an unknown restart policy': { spec: { restartPolicy: 'Sometimes' } },
  'limits below requests': {
    spec: { containers: [{ name: 'c', image: 'busybox', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
  },
})
