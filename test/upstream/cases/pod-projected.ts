/** Pods: projected volumes. */
import { podWith, pods } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const projected = (named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([name, source]) => ({
    name,
    steps: [create(pods, podWith({ serviceAccountName: 'default', volumes: [{ name: 'v', projected: source }] }))],
  }))
const sources = (...list: object[]) => ({ sources: list })
const token = (change: object) => sources({ serviceAccountToken: { path: 'token', ...change } })
const bundle = (change: object) => sources({ clusterTrustBundle: { path: 'ca', ...change } })
const certificate = (change: object) =>
  sources({ podCertificate: { signerName: 'example.com/a', keyType: 'ED25519', credentialBundlePath: 'a', ...change } })

export const cases: readonly Case[] = [
  ...projected({
    'a mode beyond all': { defaultMode: 512 },
    'an empty source': sources({}),
    'two kinds in one source': sources({ secret: { name: 'a' }, configMap: { name: 'b' } }),
    'a Secret without a name': sources({ secret: {} }),
    'a ConfigMap without a name': sources({ configMap: {} }),
    'bad items': sources(
      { secret: { name: 'a', items: [{ key: '', path: '' }] } },
      { configMap: { name: 'a', items: [{ key: 'k', path: '../a' }] } },
    ),
    'a path twice': sources(
      { secret: { name: 'a', items: [{ key: 'k', path: 'x' }] } },
      { configMap: { name: 'b', items: [{ key: 'k', path: 'x' }] } },
      { downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ),
    'bad files of the pod’s own': sources({ downwardAPI: { items: [{ path: '' }] } }),
    'a token by default': token({}),
    'a token without a path': token({ path: '' }),
    'a token outside of the volume': token({ path: '../a' }),
    'a token at an absolute path': token({ path: '/a' }),
    'a token that expires too soon': token({ expirationSeconds: 599 }),
    'a token that expires too late': token({ expirationSeconds: 4294967297 }),
    'a trust bundle without anything': bundle({ path: '' }),
    'a trust bundle with both names': bundle({ name: 'a', signerName: 'example.com/a' }),
    'a trust bundle with an empty name': bundle({ name: '' }),
    'a trust bundle with a bad name': bundle({ name: 'A' }),
    'a trust bundle of a signer with a bad name': bundle({ name: 'example.com:a:B' }),
    'a trust bundle by name with a selector': bundle({ name: 'a', labelSelector: { matchLabels: { a: 'b' } } }),
    'trust bundles of an empty signer': bundle({ signerName: '' }),
    'trust bundles of a bad signer': bundle({ signerName: 'a' }),
    'trust bundles with a bad selector': bundle({ signerName: 'example.com/a', labelSelector: { matchLabels: { 'a b': 'c' } } }),
    'trust bundles outside of the volume': bundle({ name: 'a', path: '../a' }),
    'two trust bundles at one path': sources(
      { clusterTrustBundle: { name: 'a', path: 'x' } },
      { clusterTrustBundle: { name: 'b', path: 'x' } },
    ),
    'a trust bundle': bundle({ name: 'a' }),
    'a certificate without anything': sources({ podCertificate: {} }),
    'a certificate of an unknown key': certificate({ keyType: 'RSA512' }),
    'a certificate of a bad signer': certificate({ signerName: 'a' }),
    'a certificate for too short': certificate({ maxExpirationSeconds: 3599 }),
    'a certificate for too long': certificate({ maxExpirationSeconds: 7862401 }),
    'a certificate of the platform’s own for too long': certificate({
      signerName: 'kubernetes.io/kube-apiserver-client-pod',
      maxExpirationSeconds: 86401,
    }),
    'a certificate without a path': certificate({ credentialBundlePath: '' }),
    'a certificate outside of the volume': certificate({ credentialBundlePath: '../a', keyPath: '/a', certificateChainPath: '..b' }),
    'a certificate twice at a path': certificate({ keyPath: 'a', certificateChainPath: 'a' }),
    'a certificate with bad annotations': certificate({ userAnnotations: { a: 'b' } }),
    'a certificate': certificate({ userAnnotations: { 'example.com/a': 'b' } }),
  }),
  {
    name: 'a token of nobody',
    steps: [create(pods, podWith({ volumes: [{ name: 'v', projected: token({}) }] }))],
  },
]
