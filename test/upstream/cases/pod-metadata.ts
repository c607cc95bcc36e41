/** Pods: metadata and the annotations that are judged. */
import { metadata, podOf, podWith, pods, specs } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const long = 'a'.repeat(254)
const seccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const appArmor = 'container.apparmor.security.beta.kubernetes.io'

const annotated = (annotations: object, spec: object = {}) => ({ steps: [create(pods, podWith(spec, { annotations }))] })

export const cases: readonly Case[] = [
  ...specs({ 'the least pod': {}, 'no containers': { containers: [] }, 'no containers given': { containers: null } }),
  { name: 'no spec', steps: [create(pods, { metadata: { name: 'p' } })] },
  { name: 'a name before a name made', steps: [create(pods, podWith({}, { generateName: 'A_b-' }))] },
  ...metadata({
    'no name': { name: null },
    'a finalizer without a domain': { finalizers: ['mine'] },
    'init containers as an annotation': {
      annotations: { 'pod.beta.kubernetes.io/init-containers': '[]', 'pod.alpha.kubernetes.io/init-container-statuses': '[]', a: 'b' },
    },
    'a name that is no DNS label': { name: 'A_b' },
    'a name with dots': { name: 'a.b.c' },
    'a name too long': { name: long },
    'another namespace': { namespace: 'elsewhere' },
    'a bad label key': { labels: { 'a b': 'c' } },
    'a bad label value': { labels: { a: 'b c' } },
    'a label value too long': { labels: { a: 'b'.repeat(64) } },
    'a bad annotation key': { annotations: { 'a b': 'c' } },
    'annotations too big': { annotations: { a: 'b'.repeat(262145) } },
    'a finalizer that is no name': { finalizers: ['example.com/a b'] },
    'an owner without kind and uid': { ownerReferences: [{ apiVersion: 'v1', kind: '', name: 'x', uid: '' }] },
    'two controllers': {
      ownerReferences: [
        { apiVersion: 'v1', kind: 'A', name: 'x', uid: '1', controller: true },
        { apiVersion: 'v1', kind: 'B', name: 'y', uid: '2', controller: true },
      ],
    },
    'a mirror pod without a node': { annotations: { 'kubernetes.io/config.mirror': 'x' } },
    'a deletion cost that is no number': { annotations: { 'controller.kubernetes.io/pod-deletion-cost': 'cheap' } },
    'a deletion cost with a plus': { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '+10' } },
    'a deletion cost with leading zeros': { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '010' } },
    'a deletion cost beyond 32 bits': { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '2147483648' } },
    'tolerations as an annotation that is no JSON': { annotations: { 'scheduler.alpha.kubernetes.io/tolerations': '{' } },
    'tolerations as an annotation that are wrong': {
      annotations: { 'scheduler.alpha.kubernetes.io/tolerations': '[{"key":"a b","operator":"Exists"}]' },
    },
    'an unknown seccomp profile as an annotation': { annotations: { [seccomp]: 'strict' } },
    'a seccomp profile outside of its folder': { annotations: { [seccomp]: 'localhost/../x' } },
    'an absolute seccomp profile': { annotations: { [seccomp]: 'localhost//x' } },
    'a seccomp profile of a container': { annotations: { 'container.seccomp.security.alpha.kubernetes.io/c': 'strict' } },
    'an AppArmor profile of no container': { annotations: { [`${appArmor}/x`]: 'runtime/default' } },
    'an unknown AppArmor profile': { annotations: { [`${appArmor}/c`]: 'strict' } },
    'an AppArmor profile of its own': { annotations: { [`${appArmor}/c`]: 'localhost/mine' } },
  }),
  {
    name: 'a seccomp annotation that differs from the field',
    ...annotated({ [seccomp]: 'runtime/default' }, { securityContext: { seccompProfile: { type: 'Unconfined' } } }),
  },
  {
    name: 'a seccomp annotation of another profile',
    ...annotated({ [seccomp]: 'localhost/a' }, { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'b' } } }),
  },
  {
    name: 'a container whose seccomp annotation differs from its field',
    steps: [
      create(pods, {
        ...podOf({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }),
        metadata: { name: 'p', annotations: { 'container.seccomp.security.alpha.kubernetes.io/c': 'unconfined' } },
      }),
    ],
  },
  {
    name: 'an AppArmor annotation that differs from the field',
    ...annotated({ [`${appArmor}/c`]: 'unconfined' }, { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }),
  },
  {
    name: 'an AppArmor annotation of another profile',
    ...annotated(
      { [`${appArmor}/c`]: 'localhost/a' },
      { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'b' } } },
    ),
  },
  {
    name: 'an AppArmor annotation alone becomes a field',
    ...annotated({ [`${appArmor}/c`]: 'unconfined' }),
  },
  {
    name: 'a mirror pod with claims',
    ...annotated({ 'kubernetes.io/config.mirror': 'x' }, { nodeName: 'n', resourceClaims: [{ name: 'a' }] }),
  },
]
