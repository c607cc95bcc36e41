import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../machinery/object.ts'

/** A pod as a Deployment of a usual web service makes it: about two kilobytes before the server adds its part. */
export function realisticPod(name: string): KubeObject & Pod {
  const n = Number(/\d+$/.exec(name)?.[0] ?? 0)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'web', tier: 'frontend', release: 'stable', pick: String(n % 100), 'pod-template-hash': '5d4f8c7b9' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080', 'example.com/owner': 'team-storefront' },
    },
    spec: {
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/storefront/web:1.42.0',
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'LOG_LEVEL', value: 'info' },
            { name: 'DB_HOST', value: 'db.default.svc.cluster.local' },
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
          ],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5 },
          livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 10 },
          volumeMounts: [
            { name: 'config', mountPath: '/etc/web' },
            { name: 'cache', mountPath: '/var/cache/web' },
          ],
        },
        {
          name: 'sidecar',
          image: 'registry.example.com/mesh/proxy:0.9.1',
          args: ['--listen', ':15001', '--upstream', 'localhost:8080'],
          resources: { requests: { cpu: '10m', memory: '32Mi' } },
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: 'web-config' } },
        { name: 'cache', emptyDir: {} },
      ],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    },
  } as KubeObject & Pod
}
