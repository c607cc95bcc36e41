/** Server-side apply to built-in objects with defaults: ports, versions of a kind, parts that come back, what is emptied. */
import { type Case, create, namespaced, patch, read, type Request } from '../upstream-case.ts'

const services = namespaced('v1', 'services')
const policies = namespaced('networking.k8s.io/v1', 'networkpolicies')
const quotas = namespaced('v1', 'resourcequotas')
const secrets = namespaced('v1', 'secrets')
const accounts = namespaced('v1', 'serviceaccounts')
const scaler = (version: string) => `${namespaced(`autoscaling/${version}`, 'horizontalpodautoscalers')}/x`

const apply = (path: string, manager: string, body: object, more = ''): Request =>
  patch('apply', `${path}?fieldManager=${manager}${more}`, body)
const of =
  (apiVersion: string, kind: string) =>
  (fields: object, metadata: object = {}) => ({ apiVersion, kind, metadata: { name: 'x', ...metadata }, ...fields })
const service = of('v1', 'Service')
const policy = of('networking.k8s.io/v1', 'NetworkPolicy')
const quota = of('v1', 'ResourceQuota')
const secret = of('v1', 'Secret')
const account = of('v1', 'ServiceAccount')
const v1 = of('autoscaling/v1', 'HorizontalPodAutoscaler')
const v2 = of('autoscaling/v2', 'HorizontalPodAutoscaler')
const target = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } }
const cpu = (value: number) => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: value } } })

const s = `${services}/x`
const forced = '&force=true'
const steps = (name: string, ...all: readonly Request[]): Case => ({ name, steps: all, withManagedFields: true })
const ports = (...all: readonly object[]) => service({ spec: { ports: all, selector: { a: 'b' } } })
const again = (name: string, path: string, ...bodies: readonly object[]): Case =>
  steps(name, ...bodies.map((body) => apply(`${path}/x`, 'a', body)))

export const cases: readonly Case[] = [
  again('a port without its protocol, then with it', services, ports({ port: 80 }), ports({ port: 80, protocol: 'TCP' })),
  again(
    'one port of two protocols',
    services,
    ports({ port: 80, name: 'a' }, { port: 80, protocol: 'UDP', name: 'b' }),
    ports({ port: 80, protocol: 'UDP', name: 'b' }),
  ),
  steps(
    'ports of two managers',
    apply(s, 'a', ports({ port: 80, name: 'a' })),
    apply(
      s,
      'b',
      service({
        spec: {
          ports: [
            { port: 80, protocol: 'TCP', targetPort: 8080 },
            { port: 81, name: 'c' },
          ],
        },
      }),
    ),
    apply(s, 'a', service({ spec: { selector: { a: 'b' } } })),
  ),
  steps(
    'a port of a default in conflict',
    apply(s, 'a', ports({ port: 80 })),
    apply(s, 'b', ports({ port: 80, targetPort: 81 })),
    apply(s, 'b', ports({ port: 80, targetPort: 81 }), forced),
    apply(s, 'a', ports({ port: 80 })),
  ),
  again(
    'a type given up',
    services,
    service({ spec: { type: 'NodePort', ports: [{ port: 80 }] } }),
    service({ spec: { ports: [{ port: 80 }] } }),
  ),
  again(
    'an atomic selector of a service',
    services,
    ports({ port: 80 }),
    service({ spec: { ports: [{ port: 80 }], selector: { c: 'd' } } }),
  ),
  again(
    'session affinity given up',
    services,
    service({ spec: { ports: [{ port: 80 }], sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } } }),
    service({ spec: { ports: [{ port: 80 }] } }),
  ),
  again(
    'an empty selector of a policy',
    policies,
    policy({ spec: { podSelector: {} } }),

    policy({ spec: { podSelector: { matchLabels: { a: 'b' } } } }),
    policy({ spec: { podSelector: {} } }),
  ),
  again(
    'rules that are empty',
    policies,
    policy({ spec: { podSelector: {}, ingress: [{}], egress: [{ to: [{ podSelector: {} }] }] } }),
    policy({ spec: { podSelector: {}, ingress: [{}] } }),
  ),
  again(
    'amounts written otherwise',
    quotas,
    quota({ spec: { hard: { cpu: '1000m', memory: '1Gi' } } }),
    quota({ spec: { hard: { cpu: '1', memory: '1024Mi' } } }),
    quota({ spec: { hard: { cpu: 1 } } }),
  ),
  again('no amounts', quotas, quota({ spec: { hard: { pods: '1' } } }), quota({ spec: { hard: {} } }), quota({ spec: {} })),
  again(
    'labels emptied',
    quotas,
    quota({ spec: { hard: { pods: '1' } } }, { labels: { a: 'b' }, annotations: { c: 'd' } }),
    quota({ spec: { hard: { pods: '1' } } }, { labels: {}, annotations: {} }),
    quota({ spec: { hard: { pods: '1' } } }),
  ),
  again(
    'text of a secret',
    secrets,
    secret({ stringData: { a: 'b' }, data: { c: 'ZA==' } }),
    secret({ data: { c: 'ZA==' } }),
    secret({ data: {} }),
  ),
  again(
    'a secret that may not be changed',
    secrets,
    secret({ immutable: true, data: { a: 'ZA==' } }),
    secret({ immutable: true, data: { a: 'ZQ==' } }),
  ),
  steps(
    'lists of an account',
    apply(`${accounts}/x`, 'a', account({ secrets: [{ name: 's' }], imagePullSecrets: [{ name: 'p' }] })),
    apply(`${accounts}/x`, 'b', account({ secrets: [{ name: 't' }], imagePullSecrets: [{ name: 'q' }] })),
    apply(`${accounts}/x`, 'a', account({})),
  ),
  steps(
    'a scaler in two versions',
    apply(scaler('v1'), 'a', v1({ spec: { ...target, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } })),
    apply(scaler('v2'), 'b', v2({ spec: { ...target, maxReplicas: 3, metrics: [cpu(50)] } })),
    apply(scaler('v2'), 'b', v2({ spec: { ...target, maxReplicas: 4, metrics: [cpu(60)] } }), forced),
    read(scaler('v1')),
    apply(scaler('v1'), 'a', v1({ spec: { ...target, maxReplicas: 4 } })),
  ),
  steps(
    'one manager of a scaler in two versions',
    apply(scaler('v1'), 'a', v1({ spec: { ...target, minReplicas: 2, maxReplicas: 3 } })),
    apply(scaler('v2'), 'a', v2({ spec: { ...target, maxReplicas: 5 } })),
  ),
  steps(
    'an update of a scaler in another version',
    create(
      `${namespaced('autoscaling/v2', 'horizontalpodautoscalers')}?fieldManager=u`,
      v2({ spec: { ...target, maxReplicas: 3, metrics: [cpu(50)] } }),
    ),
    patch('merge', `${scaler('v1')}?fieldManager=w`, { spec: { targetCPUUtilizationPercentage: 70 } }),
    patch('strategic', `${scaler('v2')}?fieldManager=u`, { spec: { maxReplicas: 9 } }),
  ),
  ...[true, false].map((force) =>
    steps(
      `labels that one manager ${force ? 'forces' : 'applies'} empty where another has applied them empty, twice`,
      apply(`${accounts}/x`, 'a', account({}, { labels: { x: '1' } })),
      apply(`${accounts}/x`, 'b', account({}, { labels: {} })),
      apply(`${accounts}/x`, 'a', account({}, { labels: {} }), force ? forced : ''),
      apply(`${accounts}/x`, 'a', account({}, { labels: {} })),
      apply(`${accounts}/x`, 'a', account({}, { labels: {} }), forced),
    ),
  ),
]
