/**
 * Serves custom resources: follows the definitions, decides their names, brings their kinds into the registry and takes them out again.
 *
 *  1. A kind is served before its definition says Established, so whoever waits for the condition finds the routes.
 *  2. Everything is decided from the cache's present state; an event only says where to look.
 *  3. A definition that is being deleted is let go when no instance is left, and its routes stay until then.
 *  4. A changed definition makes new kinds; the watches of the old ones end soon, so nobody sees objects in a form of the past for long.
 */
import { toTime } from '../../base/clock.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
} from '../../kinds/generated/types/apiextensions-v1.ts'
import { cleanupFinalizer } from '../../kinds/apiextensions/custom-resource-definition.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../machinery/object.ts'
import type { SchemaSet } from '../../machinery/schema/schema-set.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import type { Revision } from '../../store/contract.ts'
import type { Core } from '../core.ts'
import { followPrefix } from '../follow-prefix.ts'
import { type Conversion, keyOfObject, renaming, type Resource } from '../registry.ts'
import { type Retried, retried } from '../retried.ts'
import { mutateObject } from '../verbs/mutate.ts'
import type { WebhookClient } from '../reach/webhook-client.ts'
import type { CelMetrics } from './cel-metrics.ts'
import { type CleanUp, removeInstances } from './clean-up.ts'
import { customKind } from './custom-kind.ts'
import type { CustomSchemas } from './custom-schemas.ts'
import { type CustomType, customType } from './custom-type.ts'
import { isEstablished, planStatus, takenNames } from './definition-status.ts'
import { webhookConversion } from './webhook-conversion.ts'

export type CustomResources = {
  /** The type of a custom kind by the name of its schema. */
  typeOf(schema: string): CustomType | undefined
  /** Resolves when nothing is followed any more, after the signal aborted. */
  readonly ended: Promise<void>
}

/** What watches have not delivered yet (the end of the instances, above all) still reaches them. */
const retireDelayMs = 500

type Served = {
  readonly definition: CustomResourceDefinition
  readonly types: ReadonlyMap<string, CustomType>
  readonly storage: Resource
  readonly retire: AbortController
}

/** Resolves when every definition that is stored is served as it says. */
export async function serveCustomResources(
  parts: {
    readonly core: Core
    readonly schemas: CustomSchemas
    readonly builtIn: SchemaSet
    readonly webhooks: WebhookClient
    readonly cel: CelMetrics
  },
  signal: AbortSignal,
): Promise<CustomResources> {
  const custom = new Custom(parts, signal)
  const { cache } = parts.core.storage
  const resource = parts.core.registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')
  if (!resource) return { typeOf: () => undefined, ended: Promise.resolve() }
  const after = cache.revision
  await custom.look(resource)
  return { typeOf: (schema) => custom.typeOf(schema), ended: custom.follow(resource, after) }
}

class Custom {
  readonly #core: Core
  readonly #schemas: CustomSchemas
  readonly #builtIn: SchemaSet
  readonly #webhooks: WebhookClient
  readonly #cel: CelMetrics
  readonly #signal: AbortSignal
  /** By the definition's name. */
  readonly #served = new Map<string, Served>()
  readonly #types = new Map<string, CustomType>()
  /** Definitions on their way out, by uid. */
  readonly #cleanUps = new Map<string, CleanUp>()
  #forms = 0
  #looking: Retried | undefined

  constructor(
    parts: { core: Core; schemas: CustomSchemas; builtIn: SchemaSet; webhooks: WebhookClient; cel: CelMetrics },
    signal: AbortSignal,
  ) {
    this.#core = parts.core
    this.#schemas = parts.schemas
    this.#builtIn = parts.builtIn
    this.#webhooks = parts.webhooks
    this.#cel = parts.cel
    this.#signal = signal
  }

  typeOf(schema: string): CustomType | undefined {
    return this.#types.get(schema)
  }

  async follow(resource: Resource, after: Revision): Promise<void> {
    await followPrefix(this.#core.storage.cache, resource.prefix, { after, look: () => this.look(resource), signal: this.#signal })
    await this.#looking?.end()
    await Promise.all([...this.#cleanUps.values()].map(({ done }) => done))
  }

  /** Brings what is served into step with the definitions, and their status with what is served; what failed is tried again later. */
  look(resource: Resource): Promise<void> {
    this.#looking ??= retried(this.#core, () => this.#lookOnce(resource))
    return this.#looking.look()
  }

  async #lookOnce(resource: Resource): Promise<boolean> {
    let isDone = true
    const { cache } = this.#core.storage
    const definitions = cache.list(resource.prefix).map((entry) => entry.value.object as unknown as CustomResourceDefinition)
    const present = new Map(definitions.map((d) => [d.metadata.name ?? '', d]))
    for (const [name, served] of this.#served) {
      const now = present.get(name)
      if (!now || now.metadata.uid !== served.definition.metadata.uid) this.#drop(name)
    }
    for (const definition of definitions) {
      try {
        await this.#step(resource, definition, definitions)
      } catch (error) {
        if (this.#signal.aborted) return true
        // Gone meanwhile: its event comes.
        if (isStatus(error, 'NotFound')) continue
        isDone = false
        this.#core.log.warn(
          { definition: definition.metadata.name, error: String(error) },
          'a custom resource definition could not be served',
        )
      }
    }
    return isDone
  }

  async #step(resource: Resource, definition: CustomResourceDefinition, all: readonly CustomResourceDefinition[]): Promise<void> {
    const { metadata, status } = definition
    const wanted = this.#statusOf(definition, all)
    const planned = { ...definition, status: wanted }
    if (isEstablished(planned)) this.#serve(planned)
    if (!deepEqual(wanted, status)) {
      const now = toTime(this.#core.clock.now())
      const target = { resource, namespace: '', name: metadata.name ?? '' }
      await mutateObject<CustomResourceDefinition>(this.#core, target, (current) => {
        if (current.metadata.uid !== metadata.uid) return
        // Names may have been taken since: the answer is made from the state that is written.
        current.status = planStatus(current, this.#takenFor(current, all), now)
      })
    }
    if (metadata.deletionTimestamp && metadata.finalizers?.includes(cleanupFinalizer)) this.#cleanUp(resource, planned)
  }

  #statusOf(definition: CustomResourceDefinition, all: readonly CustomResourceDefinition[]) {
    return planStatus(definition, this.#takenFor(definition, all), toTime(this.#core.clock.now()))
  }

  #takenFor(definition: CustomResourceDefinition, all: readonly CustomResourceDefinition[]) {
    const { group } = definition.spec
    const others = all.filter((d) => d.spec.group === group && d.metadata.name !== definition.metadata.name)
    const builtIn = this.#core.registry
      .all()
      .filter((r) => !r.isCustom && r.kind.group === group)
      .map(({ kind }): CustomResourceDefinitionNames => ({ ...kind, shortNames: [...kind.shortNames], categories: [...kind.categories] }))
    return takenNames(others, builtIn)
  }

  #serve(definition: CustomResourceDefinition): void {
    const name = definition.metadata.name ?? ''
    const before = this.#served.get(name)
    if (before && isSameForm(before.definition, definition)) return
    const { spec } = definition
    const types = new Map(spec.versions.map((version) => [version.name, this.#typeOf(spec, version, before)]))
    const isEnding = definition.metadata.deletionTimestamp !== undefined
    const kinds = spec.versions.map((version) => customKind(definition, version, { type: types.get(version.name)!, isEnding }))
    const stored = kinds.find((_, i) => spec.versions[i]!.storage)
    if (!stored) return
    if (before) this.#drop(name)
    const served = kinds.filter((_, i) => spec.versions[i]!.served)
    for (const kind of served) {
      const type = types.get(kind.version)!
      this.#types.set(kind.schema, type)
      this.#schemas.set(kind.schema, type)
    }
    const retire = new AbortController()
    this.#core.registry.add(served, {
      storage: stored,
      form: `#${++this.#forms}`,
      retired: retire.signal,
      conversionOf: (kind) => this.#conversionOf(spec, types, { kind, stored }),
    })
    // What the clean-up reads needs no conversion.
    this.#served.set(name, { definition, types, storage: this.#core.registry.resourceOf(stored, { storage: stored }), retire })
  }

  /** A version whose schema stays keeps what was compiled for it. */
  #typeOf(spec: CustomResourceDefinition['spec'], version: CustomResourceDefinitionVersion, before: Served | undefined): CustomType {
    const known = before?.definition.spec.versions.find((v) => v.name === version.name)
    const type = known && deepEqual(known.schema, version.schema) ? before?.types.get(version.name) : undefined
    const schema = version.schema?.openAPIV3Schema as JsonSchema | undefined
    return type ?? customType(schema, { name: `${spec.group}/${version.name}`, builtIn: this.#builtIn, cel: this.#cel })
  }

  #conversionOf(
    { conversion }: CustomResourceDefinition['spec'],
    types: ReadonlyMap<string, CustomType>,
    { kind, stored }: { readonly kind: KindDefinition; readonly stored: KindDefinition },
  ): Conversion {
    // What a version that is gone once stored is of the version that is stored now.
    const typeOf = ({ apiVersion = '' }: KubeObject) => types.get(parseApiVersion(apiVersion).version) ?? types.get(stored.version)!
    const read = (object: KubeObject) => typeOf(object).fromStored(object)
    const coerced = (object: KubeObject) => typeOf(object).withoutUnknown(object)
    if (conversion?.strategy === 'Webhook' && conversion.webhook) {
      const { webhook } = conversion
      return webhookConversion({
        client: this.#webhooks,
        random: this.#core.random,
        webhook,
        served: kind,
        stored,
        read,
        coerced,
      })
    }
    const names = renaming(apiVersionOf(kind), apiVersionOf(stored))
    const renamed = (object: KubeObject, rename: (object: KubeObject) => KubeObject) => {
      const result = rename(object)
      return result === object ? object : coerced(result)
    }
    return {
      toStored: (object) => renamed(object, names.toStored),
      fromStored: (object) => renamed(read(object), names.fromStored),
    }
  }

  #drop(name: string): void {
    const served = this.#served.get(name)
    if (!served) return
    this.#served.delete(name)
    const { kind } = served.storage
    for (const resource of this.#core.registry.all()) {
      if (!resource.isCustom || resource.kind.group !== kind.group || resource.kind.plural !== kind.plural) continue
      this.#types.delete(resource.kind.schema)
      this.#schemas.remove(resource.kind.schema)
    }
    this.#core.registry.remove(kind.group, kind.plural)
    this.#core.clock.schedule(retireDelayMs, () => served.retire.abort())
  }

  #cleanUp(resource: Resource, definition: CustomResourceDefinition): void {
    const { uid = '', name = '' } = definition.metadata
    if (this.#cleanUps.has(uid)) return
    const instances = this.#served.get(name)?.storage
    const key = keyOfObject(resource, '', name)
    const cleanUp = removeInstances(this.#core, { definitions: resource, name, uid, key, instances }, this.#signal)
    this.#cleanUps.set(uid, cleanUp)
    void cleanUp.done.finally(() => this.#cleanUps.delete(uid))
  }
}

/** Whether two states of a definition are served alike. */
function isSameForm(a: CustomResourceDefinition, b: CustomResourceDefinition): boolean {
  const isEnding = (d: CustomResourceDefinition) => d.metadata.deletionTimestamp !== undefined
  return deepEqual(a.spec, b.spec) && deepEqual(a.status?.acceptedNames, b.status?.acceptedNames) && isEnding(a) === isEnding(b)
}
