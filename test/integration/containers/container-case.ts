import type {
  Container,
  ContainerStatus,
  EnvVar,
  Node,
  Pod,
  PodSpec,
  Volume,
  VolumeMount,
} from '../../../src/kinds/generated/types/core-v1.ts'
import { shell } from '../agent-world.ts'

/** A pod that runs to its end, and what it says or shows then. `title` is the conformance suite's, without its tags. */
export type ContainerCase = {
  readonly title: string
  /** The suite's texts that the case does, where these are others than the title. */
  readonly covers?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec: Partial<PodSpec>
  /** The main container's log line by line, or what it must be, given the pod and its node. */
  readonly log?: readonly string[] | ((pod: Pod, node: Node) => readonly string[])
  /** Lines that must be among those of the log. */
  readonly says?: readonly string[]
  /** Default Succeeded. */
  readonly phase?: 'Succeeded' | 'Failed'
  readonly status?: (status: ContainerStatus) => unknown
  readonly shows?: unknown
}

export const configMapData = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }
export const secretData = { 'data-1': 'secret-1', 'data-2': 'secret-2' }
/** Of the ConfigMap and the Secret that cases use: what is no text. */
export const binary = Buffer.from([0xde, 0xca, 0xfe, 0xba, 0xd0, 0xfe, 0xff])

export const nobody = 1000
export const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }
export const mount = (mountPath: string, more: Partial<VolumeMount> = {}): VolumeMount => ({ name: 'v', mountPath, ...more })
export const inOneVolume = (script: string, volume: Omit<Volume, 'name'>, more: Partial<Container> = {}): Partial<PodSpec> => ({
  containers: [{ ...shell(script), volumeMounts: [mount('/v')], ...more }],
  volumes: [{ name: 'v', ...volume }],
})
/** Says its variables, also those whose names a shell would drop. */
export const variables = { ...shell(''), command: ['/bin/env'] }
export const fieldRef = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } })
export const resourceRef = (name: string, resource: string): EnvVar => ({ name, valueFrom: { resourceFieldRef: { resource } } })
export const one = (container: Partial<Container> & Pick<Container, 'name'>): Partial<PodSpec> => ({ containers: [container] })

export function cores(cpu: string | number | undefined): number {
  const text = String(cpu)
  return text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text)
}

export function bytes(memory: string | number | undefined): number {
  const [, digits, unit] = /^(\d+)(Ki|Mi|Gi)?$/.exec(String(memory))!
  return Number(digits) * { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, '': 1 }[(unit ?? '') as 'Ki' | 'Mi' | 'Gi' | '']
}
