/** Pods: containers, init containers, sidecars and ephemeral containers. */
import { containers, plainContainer, specs } from '../pod-cases.ts'
import type { Case } from '../upstream-case.ts'

const init = (...list: object[]) => ({ initContainers: list.map((one, i) => ({ name: `i${i}`, image: 'busybox', ...one })) })
const sidecar = (change: object) => init({ restartPolicy: 'Always', ...change })
const port = (...ports: object[]) => ({ ports })
const exec = { exec: { command: ['true'] } }

export const cases: readonly Case[] = [
  ...containers({
    'no name': { name: null },
    'a name that is no label': { name: 'C' },
    'a name with a dot': { name: 'a.b' },
    'a name too long': { name: 'a'.repeat(64) },
    'no image': { image: null },
    'an image with a space before': { image: ' busybox' },
    'an image of spaces': { image: '  ' },
    'an unknown pull policy': { imagePullPolicy: 'Sometimes' },
    'an unknown termination message policy': { terminationMessagePolicy: 'Shout' },
    'a port without a number': port({ name: 'a' }),
    'a port beyond all': port({ containerPort: 70000 }),
    'a negative port': port({ containerPort: -1 }),
    'a host port beyond all': port({ containerPort: 80, hostPort: 70000 }),
    'a negative host port': port({ containerPort: 80, hostPort: -1 }),
    'an unknown protocol': port({ containerPort: 80, protocol: 'udp' }),
    'a port name too long': port({ containerPort: 80, name: 'abcdefghijklmnop' }),
    'a port name in upper case': port({ containerPort: 80, name: 'A' }),
    'a port name without letters': port({ containerPort: 80, name: '80' }),
    'a port name with dashes around': port({ containerPort: 80, name: '-a--b-' }),
    'a port name twice': port({ containerPort: 80, name: 'a' }, { containerPort: 81, name: 'a' }),
    'a host port twice': port({ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 }),
    'a host port twice at one address': port(
      { containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' },
      { containerPort: 81, hostPort: 80, hostIP: '10.0.0.1' },
    ),
    'an unknown restart policy of a container': { restartPolicy: 'Sometimes' },
    'restart rules without a policy': { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] },
    'a restart rule of an unknown action': {
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'Explode', exitCodes: { operator: 'In', values: [1] } }],
    },
    'a restart rule that restarts all': {
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } }],
    },
    'a restart rule without codes': { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart' }] },
    'a restart rule of an unknown operator': {
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'Near', values: [1] } }],
    },
    'a restart rule with too many codes': {
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: Array.from({ length: 256 }, (_, i) => i) } }],
    },
    'too many restart rules': {
      restartPolicy: 'Never',
      restartPolicyRules: Array.from({ length: 21 }, () => ({ action: 'Restart', exitCodes: { operator: 'In', values: [1] } })),
    },
  }),
  ...specs({
    'a container name twice': { containers: [plainContainer, plainContainer] },
    'a host port of two containers': {
      containers: [
        { ...plainContainer, ports: [{ containerPort: 80, hostPort: 80 }] },
        { name: 'd', image: 'x', ports: [{ containerPort: 80, hostPort: 80 }] },
      ],
    },
    'a host port that differs on the host network': {
      hostNetwork: true,
      containers: [{ ...plainContainer, ports: [{ containerPort: 80, hostPort: 81 }] }],
    },
    'a host port on the host network given by default': {
      hostNetwork: true,
      containers: [{ ...plainContainer, ports: [{ containerPort: 80 }] }],
    },
    'a host port that differs on the host network of an init container': {
      hostNetwork: true,
      ...init(port({ containerPort: 80, hostPort: 81 })),
    },
    'an unknown restart policy': { restartPolicy: 'Sometimes' },
    'an unknown DNS policy': { dnsPolicy: 'Sometimes' },
    'an init container without name and image': { initContainers: [{}] },
    'an init container of a container’s name': { initContainers: [plainContainer] },
    'an init container name twice': {
      initContainers: [
        { name: 'i', image: 'x' },
        { name: 'i', image: 'x' },
      ],
    },
    'an init container with probes and hooks': init({
      lifecycle: { preStop: exec },
      livenessProbe: exec,
      readinessProbe: exec,
      startupProbe: exec,
    }),
    'an init container with an image with a space after': init({ image: 'x ' }),
    'an init container with host ports twice': init(port({ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 })),
    'init containers with the same host port': init(port({ containerPort: 80, hostPort: 80 }), port({ containerPort: 80, hostPort: 80 })),
    'an init container with an unknown restart policy': init({ restartPolicy: 'Sometimes' }),
    'an init container with restart rules': init({
      restartPolicy: 'Never',
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
    }),
    'an init container with restart rules without a policy': init({
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
    }),
    'an init container that is resized by a restart': init({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
    'a sidecar with probes and hooks': sidecar({
      lifecycle: { preStop: exec },
      livenessProbe: exec,
      readinessProbe: exec,
      startupProbe: exec,
    }),
    'a sidecar with bad probes': sidecar({ livenessProbe: {}, readinessProbe: { ...exec, terminationGracePeriodSeconds: 5 } }),
    'a sidecar with restart rules': sidecar({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] }),
    'a sidecar that is resized by a restart': sidecar({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
    'ephemeral containers on creation': { ephemeralContainers: [{ name: 'e', image: 'x' }] },
    'bad ephemeral containers on creation': {
      ephemeralContainers: [
        {
          name: 'c',
          image: 'x',
          targetContainerName: 'z',
          ports: [{ containerPort: 80 }],
          livenessProbe: exec,
          lifecycle: { preStop: exec },
        },
        {
          image: ' x',
          resources: { limits: { cpu: '1' } },
          volumeMounts: [{ name: 'v', mountPath: '/a', subPath: 'x', subPathExpr: 'y' }],
        },
      ],
    },
    'an ephemeral container with a restart policy': { ephemeralContainers: [{ name: 'e', image: 'x', restartPolicy: 'Always' }] },
    'pull secrets without a name': { imagePullSecrets: [{}] },
    'pull secrets twice': { imagePullSecrets: [{ name: 'a' }, { name: 'a' }] },
  }),
]
