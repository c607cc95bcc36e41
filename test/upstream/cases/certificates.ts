/** CertificateSigningRequest: requests, signers, usages, approval, certificates. */
import { type Case, clusterWide, create, creations, patch, updates } from '../upstream-case.ts'

const requests = clusterWide('certificates.k8s.io/v1', 'certificatesigningrequests')
const ofUser =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIRk1HNENBUUF3RERFS01BZ0dBMVVFQXd3QmRUQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCUDBSSWtBeDlFVHJ0TkszRkJvSUNwa21NWGh6ZFhDQjVGRS9nWHVHdVUwTm41SWExY1hVL21WWGUxYU05RWdvCmRkZ1I3eTQvMytFT3hpaGpCM1Jac1pxZ0FEQUtCZ2dxaGtqT1BRUURBZ05IQURCRUFpQXJENmJQQVJJVVlueUIKSjRJWVkxVUVZTlBwbUhzSHFRWVNOMTI0MHN5bE1nSWdBek94aXVpdUpxR2RWM0ZhR3VWdWRKUkJHQWNRME1NNgo4bzRGK2ZnNHRyMD0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=='
const ofNode =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIck1JR1NBZ0VBTURBeEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIyUmxjekVYTUJVR0ExVUVBd3dPYzNsegpkR1Z0T201dlpHVTZiakV3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVQ5RVNKQU1mUkU2N1RTCnR4UWFDQXFaSmpGNGMzVndnZVJSUDRGN2hybE5EWitTR3RYRjFQNWxWM3RXalBSSUtIWFlFZTh1UDkvaERzWW8KWXdkMFdiR2FvQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdSUUlnRms5STRGMGszVnVjeWRIR05kaUpIZWRNMk1qMwpEbkkxMkRORTU5WVI2WUFDSVFDN09kWWJGa2U4VEx0L2F6QTVubkp0ZGM5ZkI3Y1VMejlwZFVhMjlGckNKdz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo='
const ofMasters =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZk1JR0hBZ0VBTUNVeEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVFvd0NBWURWUVFEREFGMQpNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUUvUkVpUURIMFJPdTAwcmNVR2dnS21TWXhlSE4xCmNJSGtVVCtCZTRhNVRRMmZraHJWeGRUK1pWZDdWb3owU0NoMTJCSHZMai9mNFE3R0tHTUhkRm14bXFBQU1Bb0cKQ0NxR1NNNDlCQU1DQTBjQU1FUUNJQ040K24zbG5Rb0lwTnZhWDNnNVdxQnZENFZvWC9HbFRoVUlmM254OGljTQpBaUJpUzI3MjlYOW9qOEhFUlkrWnBaaUFNN2RYNTZvQmFhN3g3RUVlMVB3ejJRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=='
const certificate =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJiVENDQVJPZ0F3SUJBZ0lVY2RLUzRSSHBYaTlUaFNiVmJxODM0MHc0WENZd0NnWUlLb1pJemowRUF3SXcKRERFS01BZ0dBMVVFQXd3QmRUQWVGdzB5TmpFeE1qWXdOalExTXpkYUZ3MHpOakV4TWpNd05qUTFNemRhTUF3eApDakFJQmdOVkJBTU1BWFV3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVQ5RVNKQU1mUkU2N1RTCnR4UWFDQXFaSmpGNGMzVndnZVJSUDRGN2hybE5EWitTR3RYRjFQNWxWM3RXalBSSUtIWFlFZTh1UDkvaERzWW8KWXdkMFdiR2FvMU13VVRBZEJnTlZIUTRFRmdRVUY5aCtub0ZOd0RyU1o1UFdMV0V4Yy9rOC9IQXdId1lEVlIwagpCQmd3Rm9BVUY5aCtub0ZOd0RyU1o1UFdMV0V4Yy9rOC9IQXdEd1lEVlIwVEFRSC9CQVV3QXdFQi96QUtCZ2dxCmhrak9QUVFEQWdOSUFEQkZBaUVBN1VFNkVxRUdTaE5zSmE5VVhZcXFhMGh4YkwrbkZlWS96T1lwdWE3eTIvQUMKSUVyNUIrNE40cnN0bUd6c1ZYanp1Nzh3SjZXeVphNFRjakJETVVaTTBPSCsKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo='
const csr = { metadata: { name: 'core-csr' }, spec: { request: ofUser, signerName: 'example.com/signer', usages: ['client auth'] } }
const spec = (change: object) => ({ spec: change })
const base64 = (text: string) => Buffer.from(text).toString('base64')

const made: Case[] = creations(requests, csr, {
  'a request': {},
  'no spec': { spec: null },
  'no request': spec({ request: null }),
  'a request that is none': spec({ request: base64('x') }),
  'a certificate as a request': spec({ request: certificate }),
  'no signer': spec({ signerName: null }),
  'a signer without a path': spec({ signerName: 'a.b' }),
  'a signer without a domain': spec({ signerName: 'a/b' }),
  'a signer of bad parts': spec({ signerName: 'A_b.c/D_e' }),
  'a signer of too many parts': spec({ signerName: 'a.b/c/d' }),
  'the signer of old': spec({ signerName: 'kubernetes.io/legacy-unknown' }),
  'the signer of clients': spec({ signerName: 'kubernetes.io/kube-apiserver-client' }),
  'the signer of clients for the masters': spec({ signerName: 'kubernetes.io/kube-apiserver-client', request: ofMasters }),
  'the signer of nodes': spec({
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    request: ofNode,
    usages: ['digital signature', 'client auth'],
  }),
  'no usages': spec({ usages: [] }),
  'an unknown usage': spec({ usages: ['client auth', 'eating'] }),
  'one usage twice': spec({ usages: ['client auth', 'client auth'] }),
  'all usages': spec({
    usages: [
      'signing',
      'digital signature',
      'content commitment',
      'key encipherment',
      'key agreement',
      'data encipherment',
      'cert sign',
      'crl sign',
      'encipher only',
      'decipher only',
      'any',
      'server auth',
      'client auth',
      'code signing',
      'email protection',
      's/mime',
      'ipsec end system',
      'ipsec tunnel',
      'ipsec user',
      'timestamping',
      'ocsp signing',
      'microsoft sgc',
      'netscape sgc',
    ],
  }),
  'a short life': spec({ expirationSeconds: 599 }),
  'a life': spec({ expirationSeconds: 600 }),
  'somebody else': spec({ username: 'other', uid: 'x', groups: ['system:masters'], extra: { a: ['b'] } }),
  'a status': { status: { conditions: [{ type: 'Approved', status: 'True' }], certificate } },
  'a name with capitals': { metadata: { name: 'A_b' } },
  'many things wrong': spec({ request: base64('x'), signerName: 'a', usages: ['x'], expirationSeconds: 1 }),
})

const condition = (change: object) => ({
  status: { conditions: [{ type: 'Approved', status: 'True', reason: 'R', message: 'm', ...change }] },
})
const changed: Case[] = [
  ...updates(requests, csr, {
    'another request': spec({ request: ofNode }),
    'another signer': spec({ signerName: 'example.com/other' }),
    'other usages': spec({ usages: ['server auth'] }),
    'a label': { metadata: { labels: { a: 'b' } } },
    'approved past the door': condition({}),
  }),
  ...updates(
    requests,
    csr,
    {
      approved: condition({}),
      denied: condition({ type: 'Denied' }),
      failed: condition({ type: 'Failed' }),
      'not true': condition({ status: 'False' }),
      'no status': condition({ status: null }),
      'no type': condition({ type: '' }),
      both: {
        status: {
          conditions: [
            { type: 'Approved', status: 'True' },
            { type: 'Denied', status: 'True' },
          ],
        },
      },
      twice: {
        status: {
          conditions: [
            { type: 'Approved', status: 'True' },
            { type: 'Approved', status: 'True' },
          ],
        },
      },
      'a certificate by approval': { status: { certificate } },
      'a spec by approval': spec({ usages: ['server auth'] }),
    },
    'approval',
  ),
  ...updates(
    requests,
    csr,
    {
      'a certificate': { status: { certificate } },
      'a certificate that is none': { status: { certificate: base64('x') } },
      'a request as a certificate': { status: { certificate: ofUser } },
      'approved by status': condition({}),
      'failed by status': condition({ type: 'Failed' }),
      'a spec by status': { spec: { usages: ['server auth'] }, metadata: { labels: { a: 'b' } } },
    },
    'status',
  ),
  {
    name: 'approval taken back',
    given: [create(requests, csr), patch('merge', `${requests}/core-csr/approval`, condition({}))],
    steps: [
      patch('merge', `${requests}/core-csr/approval`, { status: { conditions: [] } }),
      patch('merge', `${requests}/core-csr/approval`, condition({ type: 'Denied' })),
    ],
  },
  {
    name: 'a verdict told otherwise by status',
    given: [create(requests, csr), patch('merge', `${requests}/core-csr/approval`, condition({}))],
    steps: [
      patch('merge', `${requests}/core-csr/status`, condition({ message: 'other' })),
      patch('merge', `${requests}/core-csr/approval`, condition({ message: 'other', reason: 'S' })),
    ],
  },
  {
    name: 'another certificate',
    given: [create(requests, csr), patch('merge', `${requests}/core-csr/status`, { status: { certificate } })],
    steps: [patch('merge', `${requests}/core-csr/status`, { status: { certificate: null } })],
  },
  {
    name: 'by who may not',
    given: [create(requests, csr)],
    steps: [
      { ...create(requests, { ...csr, metadata: { name: 'core-second' } }), as: 'core-nobody' },
      { ...patch('merge', `${requests}/core-csr/approval`, condition({})), as: 'core-nobody' },
    ],
  },
]

export const cases: readonly Case[] = [...made, ...changed]
