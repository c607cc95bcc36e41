import type { PodSpec, Volume } from '../generated/types/core-v1.ts'

export type ConfigReference = { readonly kind: 'ConfigMap' | 'Secret'; readonly name: string }

/** Every ConfigMap and Secret that the containers and volumes of a pod name, each once. Pure. */
export function configReferences(spec: PodSpec | undefined): ConfigReference[] {
  const found = new Map<string, ConfigReference>()
  const add = (kind: ConfigReference['kind'], name: string | undefined) => {
    if (name) found.set(`${kind}/${name}`, { kind, name })
  }
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])]) {
    for (const source of container.envFrom ?? []) {
      add('ConfigMap', source.configMapRef?.name)
      add('Secret', source.secretRef?.name)
    }
    for (const variable of container.env ?? []) {
      add('ConfigMap', variable.valueFrom?.configMapKeyRef?.name)
      add('Secret', variable.valueFrom?.secretKeyRef?.name)
    }
  }
  for (const volume of spec?.volumes ?? []) addVolume(volume, add)
  return [...found.values()]
}

function addVolume(volume: Volume, add: (kind: ConfigReference['kind'], name: string | undefined) => void): void {
  add('ConfigMap', volume.configMap?.name)
  add('Secret', volume.secret?.secretName)
  for (const source of volume.projected?.sources ?? []) {
    add('ConfigMap', source.configMap?.name)
    add('Secret', source.secret?.name)
  }
}
