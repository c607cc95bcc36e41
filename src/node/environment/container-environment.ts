import type { EnvFromSource, EnvVar, FileKeySelector, Pod, Secret, Service } from '../../kinds/generated/types/core-v1.ts'
import type { EnvironmentSource } from '../pod/pod-context.ts'
import type { PodContainer } from '../pod/pod-view.ts'
import { StartError } from '../pod/start-error.ts'
import type { ObjectReader } from '../references/object-references.ts'
import type { ContainerSpec } from '../runtime/contract.ts'
import { envFileValue } from './env-file.ts'
import { expandVariables } from './expand-variables.ts'
import { podField, type PodFieldContext } from './pod-field.ts'
import { type NodeResources, offeredTo, resourceField } from './resource-field.ts'
import { serviceEnvironment } from './service-environment.ts'

export type ContainerEnvironmentOptions = {
  readonly objects: ObjectReader
  /** All services that the pod's containers may hear of; resolves when they are known. */
  readonly services: (pod: Pod) => Promise<readonly Service[]>
  readonly nodeName: string
  readonly hostIps: () => readonly string[]
  readonly allocatable: () => NodeResources
  /** The text of a file in a volume of the pod; rejects when there is none. Undefined: a node without files. */
  readonly volumeFile: ((pod: Pod, volume: string, path: string) => Promise<string>) | undefined
}

/** Builds containers' environments: services, envFrom, env in this order of rising precedence. */
export function containerEnvironment(options: ContainerEnvironmentOptions): EnvironmentSource {
  return {
    of: async (pod, podContainer, podIps) => {
      const builder = new EnvironmentBuilder(options, pod, podContainer, podIps)
      return builder.build()
    },
  }
}

class EnvironmentBuilder {
  readonly #options: ContainerEnvironmentOptions
  readonly #pod: Pod
  readonly #podContainer: PodContainer
  readonly #fields: PodFieldContext
  readonly #result = new Map<string, string>()

  constructor(options: ContainerEnvironmentOptions, pod: Pod, podContainer: PodContainer, podIps: readonly string[]) {
    this.#options = options
    this.#pod = pod
    this.#podContainer = podContainer
    const hostIps = options.hostIps()
    this.#fields = { podIps: pod.spec?.hostNetwork ? hostIps : podIps, hostIps, nodeName: options.nodeName }
  }

  async build(): Promise<ContainerSpec['env']> {
    const { container } = this.#podContainer
    const services = await this.#options.services(this.#pod)
    const announced = serviceEnvironment(services, this.#pod.metadata.namespace ?? '', this.#pod.spec?.enableServiceLinks ?? true)
    for (const source of container.envFrom ?? []) await this.#addAll(source)
    // A reference sees what stands before it, and the services.
    const visible = new Map([...announced, ...this.#result])
    for (const variable of container.env ?? []) {
      const value = await this.#valueOf(variable, visible)
      if (value === undefined) continue
      this.#result.set(variable.name, value)
      visible.set(variable.name, value)
    }
    for (const [name, value] of announced) if (!this.#result.has(name)) this.#result.set(name, value)
    return [...this.#result].map(([name, value]) => ({ name, value }))
  }

  async #addAll({ configMapRef, secretRef, prefix = '' }: EnvFromSource): Promise<void> {
    const namespace = this.#pod.metadata.namespace ?? ''
    if (configMapRef) {
      const { name = '', optional } = configMapRef
      const object = await this.#options.objects.configMap(namespace, name)
      if (!object && !optional) throw configError(`configmap "${name}" not found`)
      for (const [key, value] of sortedEntries(object?.data)) this.#result.set(prefix + key, value)
    }
    if (secretRef) {
      const { name = '', optional } = secretRef
      const object = await this.#options.objects.secret(namespace, name)
      if (!object && !optional) throw configError(`secret "${name}" not found`)
      for (const [key, value] of sortedEntries(object && decodeSecret(object))) this.#result.set(prefix + key, value)
    }
  }

  async #valueOf({ name, value, valueFrom }: EnvVar, visible: ReadonlyMap<string, string>): Promise<string | undefined> {
    if (!valueFrom) return expandVariables(value ?? '', visible)
    const namespace = this.#pod.metadata.namespace ?? ''
    if (valueFrom.fieldRef) return failAsConfig(() => podField(this.#pod, valueFrom.fieldRef!.fieldPath, this.#fields))
    if (valueFrom.resourceFieldRef) return failAsConfig(() => this.#resource(valueFrom.resourceFieldRef!))
    if (valueFrom.configMapKeyRef) {
      const { name: object = '', key, optional } = valueFrom.configMapKeyRef
      const configMap = await this.#options.objects.configMap(namespace, object)
      if (!configMap && !optional) throw configError(`configmap "${object}" not found`)
      const found = configMap?.data?.[key]
      if (found === undefined && !optional) throw configError(`couldn't find key ${key} in ConfigMap ${namespace}/${object}`)
      return found
    }
    if (valueFrom.secretKeyRef) {
      const { name: object = '', key, optional } = valueFrom.secretKeyRef
      const secret = await this.#options.objects.secret(namespace, object)
      if (!secret && !optional) throw configError(`secret "${object}" not found`)
      const found = secret && decodeSecret(secret)[key]
      if (found === undefined && !optional) throw configError(`couldn't find key ${key} in Secret ${namespace}/${object}`)
      return found
    }
    const { volumeFile } = this.#options
    if (valueFrom.fileKeyRef && volumeFile) return this.#fromFile(valueFrom.fileKeyRef, volumeFile)
    throw configError(`environment variable ${name} has a source that this node does not offer`)
  }

  async #fromFile(
    { volumeName, path, key, optional }: FileKeySelector,
    read: NonNullable<ContainerEnvironmentOptions['volumeFile']>,
  ): Promise<string | undefined> {
    const value = await read(this.#pod, volumeName, path)
      .then((text) => envFileValue(text, key))
      .catch((error: Error) => {
        throw configError(`couldn't parse env file: ${error.message}`)
      })
    if (value === undefined && !optional) throw configError(`environment variable key "${key}" not found in file "${path}"`)
    return value
  }

  #resource(selector: Parameters<typeof resourceField>[0]): string {
    const { container } = this.#podContainer
    const name = selector.containerName
    const all = [...(this.#pod.spec?.containers ?? []), ...(this.#pod.spec?.initContainers ?? [])]
    const target = !name || name === container.name ? container : all.find((c) => c.name === name)
    if (!target) throw new Error(`container ${name} not found`)
    return resourceField(selector, target, offeredTo(this.#pod, this.#options.allocatable()))
  }
}

/** Secret data as text, keys as they are. */
export function decodeSecret(secret: Secret): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [key, value] of Object.entries(secret.data ?? {})) result[key] = Buffer.from(value, 'base64').toString('utf8')
  return result
}

function sortedEntries(data: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
}

function configError(message: string): StartError {
  return new StartError('CreateContainerConfigError', message)
}

function failAsConfig(read: () => string): string {
  try {
    return read()
  } catch (error) {
    throw configError(error instanceof Error ? error.message : String(error))
  }
}
