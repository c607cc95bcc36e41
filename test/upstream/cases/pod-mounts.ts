/** Pods: mounts of volumes and devices. */
import { podOf, pods } from '../pod-cases.ts'
import { type Case, create } from '../upstream-case.ts'

const all = {
  volumes: [
    { name: 'v', emptyDir: {} },
    { name: 'w', persistentVolumeClaim: { claimName: 'x' } },
  ],
}
const of = (named: Readonly<Record<string, object>>, spec: object = {}): Case[] =>
  Object.entries(named).map(([name, container]) => ({ name, steps: [create(pods, podOf(container, { ...all, ...spec }))] }))
const mounts = (...volumeMounts: object[]) => ({ volumeMounts })
const mount = (change: object) => mounts({ name: 'v', mountPath: '/a', ...change })
const devices = (...volumeDevices: object[]) => ({ volumeDevices })

export const cases: readonly Case[] = of({
  'a mount without anything': mounts({}),
  'a mount of no volume': mounts({ name: 'x', mountPath: '/a' }),
  'two mounts at one path': mounts({ name: 'v', mountPath: '/a' }, { name: 'w', mountPath: '/a' }),
  'a mount with a colon': mount({ mountPath: '/a:b' }),
  'a relative mount': mount({ mountPath: 'a' }),
  'a path below': mount({ subPath: '../a' }),
  'an absolute path below': mount({ subPath: '/a' }),
  'both paths below': mount({ subPath: 'a', subPathExpr: 'b' }),
  'an absolute expression of a path below': mount({ subPathExpr: '/$(A)' }),
  'an expression that steps back': mount({ subPathExpr: '../$(A)' }),
  'an unknown propagation': mount({ mountPropagation: 'Sideways' }),
  'propagation both ways': mount({ mountPropagation: 'Bidirectional' }),
  'propagation both ways of a privileged container': {
    ...mount({ mountPropagation: 'Bidirectional' }),
    securityContext: { privileged: true },
  },
  'read only all the way down but writable': mount({ recursiveReadOnly: 'Enabled' }),
  'read only all the way down but propagated': mount({
    readOnly: true,
    recursiveReadOnly: 'IfPossible',
    mountPropagation: 'HostToContainer',
  }),
  'an unknown way to be read only': mount({ readOnly: true, recursiveReadOnly: 'Perhaps' }),
  'read only not all the way down': mount({ recursiveReadOnly: 'Disabled' }),
  'a device without anything': devices({}),
  'a device of no volume': devices({ name: 'x', devicePath: '/dev/a' }),
  'a device of a directory': devices({ name: 'v', devicePath: '/dev/a' }),
  'a device twice': devices({ name: 'w', devicePath: '/dev/a' }, { name: 'w', devicePath: '/dev/a' }),
  'a device that steps back': devices({ name: 'w', devicePath: '/dev/../a' }),
  'a device and a mount of one volume': { ...mounts({ name: 'w', mountPath: '/b' }), ...devices({ name: 'w', devicePath: '/dev/a' }) },
  'a device and a mount at one path': { ...mounts({ name: 'v', mountPath: '/dev/a' }), ...devices({ name: 'w', devicePath: '/dev/a' }) },
  'several of these': { ...mounts({}, { name: 'x', mountPath: '' }), ...devices({}, { name: 'v' }) },
}).concat(of({ 'a device in a user namespace': devices({ name: 'w', devicePath: '/dev/a' }) }, { hostUsers: false }))
