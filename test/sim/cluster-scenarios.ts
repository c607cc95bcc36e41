/** Short lives of everything that is no workload: namespaces, nodes, volumes, quotas, certificates. */
import { toMicroTime, toTime } from '../../src/base/clock.ts'
import type { PersistentVolumeClaimSpec, Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { keelsonKinds } from '../../src/client/own-kind-refs.ts'
import { newSigningRequest } from '../../src/platform/pki/signing-request.ts'
import type { ControllerWorld, Scenario } from './controller-life.ts'

const ns = 'default'
const pod = (name: string, more: Partial<NonNullable<Pod['spec']>> = {}): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0, ...more },
})
const storage: PersistentVolumeClaimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const decline = { apiVersion: 'keelson.dev/v1', kind: 'OfferDecline' }
const merge = (body: object) => ({ type: 'merge' as const, body })

async function setReady({ clientset, clock }: ControllerWorld, name: string): Promise<void> {
  const time = toTime(clock.now())
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time }]
  await clientset
    .coreV1()
    .nodes()
    .patch(name, merge({ status: { conditions } }), { subresource: 'status' })
}

export const clusterScenarios: Readonly<Record<string, Scenario>> = {
  'a namespace gets what every namespace has, and goes with all that is in it': {
    of: ['namespace', 'service-account', 'root-ca-certificate-publisher'],
    nodes: false,
    run: async ({ clientset, until }) => {
      const namespaces = clientset.coreV1().namespaces()
      for (const name of ['team', 'kept']) await namespaces.create({ metadata: { name } })
      const isMade = async (name: string) =>
        (await clientset.coreV1().serviceAccounts(name).list()).items.length === 1 &&
        (await clientset.coreV1().configMaps(name).list()).items.length === 1
      await until('made', async () => (await isMade('team')) && (await isMade('kept')))
      await clientset
        .coreV1()
        .secrets('team')
        .create({ metadata: { name: 's' } })
      await clientset
        .coreV1()
        .configMaps('team')
        .create({ metadata: { name: 'held', finalizers: ['example.com/held'] } })
      await namespaces.delete('team')
      await until('only the held one is left', async () => (await clientset.coreV1().secrets('team').list()).items.length === 0)
      await clientset
        .coreV1()
        .configMaps('team')
        .patch('held', merge({ metadata: { finalizers: null } }))
      await until('gone', async () => !(await namespaces.list()).items.some(({ metadata }) => metadata.name === 'team'))
      await clientset.coreV1().serviceAccounts('kept').delete('default')
      await until('made again', () => isMade('kept'))
    },
  },
  'dependents go with their owners, in the way that was asked for': {
    of: ['generic-garbage-collector'],
    nodes: false,
    run: async ({ clientset, until, advance }) => {
      const maps = clientset.coreV1().configMaps(ns)
      const secrets = clientset.coreV1().secrets(ns)
      for (const policy of ['Background', 'Foreground', 'Orphan'] as const) {
        const name = policy.toLowerCase()
        const { metadata } = await maps.create({ metadata: { name } })
        const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: metadata.uid ?? '', blockOwnerDeletion: true }]
        for (const one of ['a', 'b']) await secrets.create({ metadata: { name: `${name}-${one}`, ownerReferences } })
        // An owner whose dependents nobody has seen yet has none to orphan: upstream's collector does not know them either.
        await advance(20_000)
        await maps.delete(name, { propagationPolicy: policy })
      }
      await until('two are left', async () => {
        const left = (await secrets.list()).items.filter(({ metadata }) => !metadata.ownerReferences?.length)
        return left.length === 2 && (await secrets.list()).items.length === 2 && (await maps.list()).items.length === 0
      })
    },
  },
  'a quota tells what is used': {
    of: ['resourcequota'],
    nodes: false,
    run: async ({ clientset, until }) => {
      const quotas = clientset.coreV1().resourceQuotas(ns)
      await quotas.create({ metadata: { name: 'q' }, spec: { hard: { pods: '5', 'count/configmaps': '5', 'requests.cpu': '2' } } })
      const used = async () =>
        Object.entries((await quotas.get('q')).status?.used ?? {})
          .map((entry) => entry.join(' '))
          .sort()
          .join(', ')
      const requests = { resources: { requests: { cpu: '500m' } } }
      for (const name of ['a', 'b'])
        await clientset
          .coreV1()
          .pods(ns)
          .create(pod(name, { containers: [{ name: 'c', image: 'i', ...requests }] }))
      await clientset
        .coreV1()
        .configMaps(ns)
        .create({ metadata: { name: 'm' } })
      await until('counted', async () => (await used()) === 'count/configmaps 1, pods 2, requests.cpu 1')
      await clientset.coreV1().pods(ns).delete('a')
      await until('replenished', async () => (await used()) === 'count/configmaps 1, pods 1, requests.cpu 500m')
    },
  },
  'a silent node loses its pods': {
    of: ['node', 'taint-eviction', 'node-ipam', 'ttl'],
    run: async (world) => {
      const { clientset, until } = world
      for (const name of ['node-1', 'node-2']) {
        await clientset.coreV1().nodes().create({ metadata: { name } })
        await setReady(world, name)
      }
      const tolerations = [
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: 30 },
      ]
      await clientset
        .coreV1()
        .pods(ns)
        .create(pod('p', { nodeName: 'node-1', tolerations }))
      await until('networks', async () => (await clientset.coreV1().nodes().list()).items.every(({ spec }) => spec?.podCIDR))
      // The other one goes on speaking: where all are silent it is the network's fault, and nobody is evicted.
      const isLeft = async () => (await clientset.coreV1().pods(ns).list()).items.length > 0
      for (let i = 0; i < 60 && (await isLeft()); i++) {
        await setReady(world, 'node-2')
        await world.advance(5_000)
      }
      await until('evicted', async () => !(await isLeft()), 1_000)
      for (const name of ['node-1', 'node-2']) await clientset.coreV1().nodes().delete(name)
    },
    neutral: (line) => line.replace(/10\.244\.\d+\.\d+\/\d+/g, 'CIDR'),
  },
  'room is offered to frameworks, not where it was declined, and comes back from one that dies': {
    of: ['resource-offers'],
    nodes: false,
    run: async (world) => {
      const { client, clientset, clock, until } = world
      for (const name of ['node-1', 'node-2']) {
        await clientset.coreV1().nodes().create({ metadata: { name } })
        const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '10' } }
        await clientset.coreV1().nodes().patch(name, merge({ status }), { subresource: 'status' })
        await setReady(world, name)
      }
      const frameworks = client.resource(keelsonKinds.frameworks, ns)
      const offers = client.resource(keelsonKinds.offers, ns)
      const seconds = { lives: 3_600, dies: 5 }
      for (const [name, leaseDurationSeconds] of Object.entries(seconds)) {
        await frameworks.create({ metadata: { name }, spec: { leaseDurationSeconds, offerTimeoutSeconds: 3_600 } })
        const spec = { holderIdentity: name, renewTime: toMicroTime(clock.now()) }
        await clientset.coordinationV1().leases(ns).create({ metadata: { name }, spec })
      }
      const phases = async () => (await offers.list()).items.map((o) => `${o.metadata.name} ${o.status?.phase ?? 'Offered'}`)
      await until('offered', async () => (await phases()).includes('lives.node-1 Offered'))
      await offers.subresource('lives.node-1', 'decline', { ...decline, filterSeconds: 86_400 })
      await until('back', async () => (await phases()).join() === 'lives.node-1 Declined,lives.node-2 Offered')
      const active = async (name: string) => (await frameworks.get(name)).status?.conditions?.[0]?.reason
      await until('told', async () => (await active('dies')) === 'LeaseExpired')
    },
  },
  'pods that nobody will end are taken away': {
    of: ['pod-garbage-collector'],
    nodes: false,
    run: async (world) => {
      const { clientset, until } = world
      await clientset
        .coreV1()
        .nodes()
        .create({ metadata: { name: 'node-1' } })
      await setReady(world, 'node-1')
      const pods = clientset.coreV1().pods(ns)
      await pods.create(pod('kept', { nodeName: 'node-1' }))
      await pods.create(pod('orphan', { nodeName: 'node-9' }))
      await until('gone', async () => (await pods.list()).items.length === 1)
    },
  },
  'events go after their hour': {
    of: ['event-expiry'],
    nodes: false,
    run: async ({ clientset, advance, until }) => {
      const events = clientset.coreV1().events(ns)
      const event = { involvedObject: { kind: 'Pod', namespace: ns, name: 'p' }, reason: 'R', message: 'm', type: 'Normal' }
      for (const name of ['a', 'b', 'c']) await events.create({ metadata: { name }, ...event })
      await advance(3_500_000)
      await until('gone', async () => (await events.list()).items.length === 0)
    },
  },
  'a sum of roles is kept': {
    of: ['clusterrole-aggregation'],
    nodes: false,
    run: async ({ clientset, until }) => {
      const roles = clientset.rbacV1().clusterRoles()
      const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
      await roles.create({ metadata: { name: 'sum' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'sum' } }] } })
      for (const name of ['pods', 'secrets']) await roles.create({ metadata: { name, labels: { to: 'sum' } }, rules: [rule(name)] })
      await until('both', async () => (await roles.get('sum')).rules?.length === 2)
      await roles.delete('secrets')
      await until('one', async () => (await roles.get('sum')).rules?.length === 1)
    },
  },
  'certificates are signed once they are approved, and requests forgotten': {
    of: ['certificate', 'certificate-signing', 'certificate-cleaner'],
    nodes: false,
    run: async ({ client, clientset, until, advance, clock }) => {
      const requests = clientset.certificatesV1().certificateSigningRequests()
      const request = Buffer.from(newSigningRequest({ commonName: 'jane' }).request).toString('base64')
      const usages = ['client auth' as const]
      const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages }
      for (const name of ['approved', 'open']) await requests.create({ metadata: { name }, spec })
      const made = await requests.get('approved')
      const time = toTime(clock.now())
      const conditions = [{ type: 'Approved', status: 'True', reason: 'r', message: 'm', lastUpdateTime: time, lastTransitionTime: time }]
      const resource = client.resource(kindRefs.certificatesV1.certificateSigningRequests)
      await resource.subresource('approved', 'approval', { ...made, status: { conditions } }, { method: 'PUT' })
      await until('signed', async () => (await requests.get('approved')).status?.certificate !== undefined)
      await advance(3_700_000)
      await until('forgotten', async () => (await requests.list()).items.length === 1)
    },
    neutral: (line) => line.replace(/"request":"[^"]*"/, '"request":"PEM"'),
  },
  'what tells a machine where to join is signed by every token, until the token ends': {
    of: ['bootstrap-signer', 'token-cleaner'],
    nodes: false,
    run: async ({ clientset, clock, until }) => {
      const secrets = clientset.coreV1().secrets('kube-system')
      const maps = clientset.coreV1().configMaps('kube-public')
      await maps.create({ metadata: { name: 'cluster-info' }, data: { kubeconfig: 'clusters: []' } })
      const token = (id: string, more: Readonly<Record<string, string>> = {}) => ({
        metadata: { name: `bootstrap-token-${id}` },
        type: 'bootstrap.kubernetes.io/token',
        stringData: { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more },
      })
      await secrets.create(token('aaaaaa'))
      await secrets.create(token('bbbbbb', { expiration: toTime(clock.now() + 60_000) }))
      const signed = async () =>
        Object.keys((await maps.get('cluster-info')).data ?? {})
          .sort()
          .join()
      await until('signed by both', async () => (await signed()) === 'jws-kubeconfig-aaaaaa,jws-kubeconfig-bbbbbb,kubeconfig')
      await until('signed by one', async () => (await signed()) === 'jws-kubeconfig-aaaaaa,kubeconfig')
      await until('the other is gone', async () => (await secrets.list()).items.length === 1)
    },
  },
  'tokens of accounts are made, and go with their account': {
    of: ['service-account-token'],
    nodes: false,
    run: async ({ clientset, until }) => {
      const core = clientset.coreV1()
      const secrets = core.secrets(ns)
      for (const name of ['kept', 'gone']) {
        await core.serviceAccounts(ns).create({ metadata: { name } })
        const annotations = { 'kubernetes.io/service-account.name': name }
        await secrets.create({ metadata: { name, annotations }, type: 'kubernetes.io/service-account-token' })
      }
      await until('both are filled', async () => (await secrets.list()).items.every(({ data }) => data?.token))
      await core.serviceAccounts(ns).delete('gone')
      await until('one is left', async () => (await secrets.list()).items.length === 1)
    },
  },
  'tokens that nobody used for long are made invalid, and go long after': {
    of: ['legacy-service-account-token-cleaner'],
    nodes: false,
    run: async ({ clientset, until, advance }) => {
      const core = clientset.coreV1()
      const secrets = core.secrets(ns)
      const account = { metadata: { name: 'old' }, secrets: [{ name: 'old-1' }, { name: 'old-2' }] }
      await core.serviceAccounts(ns).create(account)
      const annotations = { 'kubernetes.io/service-account.name': 'old' }
      // The third is not one that the cluster made of its own accord.
      for (const name of ['old-1', 'old-2', 'asked-for'])
        await secrets.create({ metadata: { name, annotations }, type: 'kubernetes.io/service-account-token' })
      await advance(6 * 86_400_000)
      await until('one is left', async () => (await secrets.list()).items.length === 1)
    },
  },
  'a claim is given a volume of the node, grows, and both go': {
    of: ['persistent-volume-binder', 'local-volume-provisioner', 'pvc-protection', 'pv-protection', 'expand'],
    run: async (world) => {
      const { clientset, until } = world
      for (const name of ['node-1', 'node-2', 'node-3']) {
        await clientset
          .coreV1()
          .nodes()
          .create({ metadata: { name, labels: { 'kubernetes.io/hostname': name } } })
        await setReady(world, name)
      }
      const provisioner = 'local.keelson.dev'
      await clientset
        .storageV1()
        .storageClasses()
        .create({ metadata: { name: 'local' }, provisioner, reclaimPolicy: 'Delete', allowVolumeExpansion: true })
      const claims = clientset.coreV1().persistentVolumeClaims(ns)
      for (const name of ['kept', 'gone']) await claims.create({ metadata: { name }, spec: { ...storage, storageClassName: 'local' } })
      await until('bound', async () => (await claims.list()).items.every(({ status }) => status?.phase === 'Bound'))
      const use = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'gone' } }] }
      await clientset.coreV1().pods(ns).create(pod('user', use))
      await until('used', async () => Boolean((await clientset.coreV1().pods(ns).get('user')).spec?.nodeName))
      await claims.delete('gone')
      await world.advance(2_000)
      await clientset.coreV1().pods(ns).delete('user')
      await until('one claim', async () => (await claims.list()).items.length === 1)
      await claims.patch('kept', merge({ spec: { resources: { requests: { storage: '2Gi' } } } }))
      await world.advance(5_000)
    },
    neutral: (line) => line.replace(/"resourceVersion":"\d+"/g, '"resourceVersion":"N"'),
  },
  'a driver’s volume follows its pod, and its class is kept': {
    of: ['attachdetach', 'vac-protection'],
    nodes: false,
    run: async (world) => {
      const { clientset, until } = world
      const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
      for (const name of ['node-1', 'node-2']) {
        await clientset.coreV1().nodes().create({ metadata: { name, annotations } })
        await setReady(world, name)
      }
      await clientset
        .storageV1()
        .volumeAttributesClasses()
        .create({ metadata: { name: 'gold' }, driverName: 'd.example.com', parameters: { a: 'b' } })
      const claimRef = { namespace: ns, name: 'data' }
      const csi = { driver: 'd.example.com', volumeHandle: 'disk' }
      const spec = { csi, accessModes: storage.accessModes!, capacity: { storage: '1Gi' }, claimRef, volumeAttributesClassName: 'gold' }
      await clientset
        .coreV1()
        .persistentVolumes()
        .create({ metadata: { name: 'disk' }, spec })
      await clientset
        .coreV1()
        .persistentVolumeClaims(ns)
        .create({ metadata: { name: 'data' }, spec: { ...storage, volumeName: 'disk', storageClassName: '' } })
      const attachments = clientset.storageV1().volumeAttachments()
      const user = (name: string, nodeName: string) =>
        pod(name, { nodeName, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] })
      /** As the driver's attacher does. */
      const attached = async (nodeName: string) => {
        const one = (await attachments.list()).items.find(({ spec: { nodeName: at } }) => at === nodeName)
        if (one && !one.status?.attached) await attachments.updateStatus({ ...one, status: { attached: true } })
        const { status } = await clientset.coreV1().nodes().get(nodeName)
        return status?.volumesAttached?.length === 1
      }
      await clientset.coreV1().pods(ns).create(user('first', 'node-1'))
      await until('there', () => attached('node-1'))
      await clientset.storageV1().volumeAttributesClasses().delete('gold')
      await clientset.coreV1().pods(ns).create(user('second', 'node-2'))
      await world.advance(2_000)
      await clientset.coreV1().pods(ns).delete('first', { gracePeriodSeconds: 0 })
      await until('followed', () => attached('node-2'))
    },
  },
  'stored objects move to the version of today': {
    of: ['storage-version-migrator'],
    nodes: false,
    neutral: (line) => line.replace(/"resourceVersion":"\d+"/g, '"resourceVersion":"N"'),
    run: async ({ client, clientset, until }) => {
      const widgets = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', scope: 'Namespaced' as const }
      const { group, kind, plural } = widgets
      const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
      const versions = (stored: string) =>
        ['v1', 'v2'].map((version) => ({ name: version, served: true, storage: version === stored, schema: { openAPIV3Schema } }))
      const definitions = clientset.apiextensionsV1().customResourceDefinitions()
      const migrations = clientset.storagemigrationV1beta1().storageVersionMigrations()
      await migrations.create({ metadata: { name: 'early' }, spec: { resource: { group, resource: plural } } })
      const spec = { group, scope: 'Namespaced', names: { plural, kind }, versions: versions('v1') }
      await definitions.create({ metadata: { name: 'widgets.example.com' }, spec })
      const isOver = async (name: string) =>
        (await migrations.get(name)).status?.conditions?.some(({ type, status }) => type === 'Succeeded' && status === 'True') ?? false
      await until('nothing to do', () => isOver('early'))
      for (const name of ['a', 'b', 'c']) await client.resource(widgets, ns).create({ metadata: { name } })
      await definitions.patch('widgets.example.com', merge({ spec: { versions: versions('v2') } }))
      await migrations.create({ metadata: { name: 'late' }, spec: { resource: { group, resource: plural } } })
      await until('migrated', () => isOver('late'))
    },
  },
  'ranges and addresses of services stay in step': {
    of: ['service-cidr', 'service-ip-repair'],
    nodes: false,
    run: async ({ clientset, until, advance }) => {
      const ranges = clientset.networkingV1().serviceCIDRs()
      const services = clientset.coreV1().services(ns)
      const isReady = async (name: string, status: string) =>
        (await ranges.get(name)).status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === status) ?? false
      for (const [name, cidr] of [
        ['kept', '10.200.0.0/24'],
        ['gone', '10.201.0.0/24'],
      ] as const)
        await ranges.create({ metadata: { name }, spec: { cidrs: [cidr] } })
      await until('ready', async () => (await isReady('kept', 'True')) && (await isReady('gone', 'True')))
      await services.create({ metadata: { name: 'a' }, spec: { clusterIP: '10.200.0.9', ports: [{ port: 80 }] } })
      await services.create({ metadata: { name: 'c' }, spec: { clusterIP: '10.96.0.77', ports: [{ port: 80 }] } })
      await services.create({ metadata: { name: 'b' }, spec: { clusterIP: '10.201.0.9', ports: [{ port: 80 }] } })
      for (const name of ['kept', 'gone']) await ranges.delete(name)
      await until('held', async () => (await isReady('kept', 'False')) && (await isReady('gone', 'False')))
      await services.delete('b')
      await until('one is gone', async () => (await ranges.list()).items.length === 2)
      await clientset.networkingV1().ipAddresses().delete('10.96.0.77')
      await until('back', async () =>
        (await clientset.networkingV1().ipAddresses().list()).items.some(({ metadata }) => metadata.name === '10.96.0.77'),
      )
      await advance(10_000)
    },
  },
}
