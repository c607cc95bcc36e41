import type { ReplicaSet } from '../kinds/generated/types/apps-v1.ts'
import type { PodTemplateSpec } from '../kinds/generated/types/core-v1.ts'

/** The label that tells the pods of one template from those of another. */
export const templateHashLabel = 'pod-template-hash'

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A template's content without its hash label, as canonical text; made once for each object. */
const canonicalTexts = new WeakMap<PodTemplateSpec, string>()

export function templatesEqual(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return a === b || canonicalText(a) === canonicalText(b)
}

/** A short stable name for a template; `collisionCount` gives another one to a template whose name is taken by a stranger. */
export function templateHash(template: PodTemplateSpec, collisionCount: number): string {
  const text = canonicalText(template) + (collisionCount > 0 ? `#${collisionCount}` : '')
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  let name = ''
  for (let rest = hash; name.length < 7 || rest > 0; rest = Math.floor(rest / alphabet.length)) name += alphabet[rest % alphabet.length]
  return name
}

/** The ReplicaSet that has the template; of several the oldest. */
export function findByTemplate(template: PodTemplateSpec, oldestFirst: readonly ReplicaSet[]): ReplicaSet | undefined {
  return oldestFirst.find((set) => templatesEqual(set.spec?.template, template))
}

function canonicalText(template: PodTemplateSpec | undefined): string {
  if (!template) return ''
  let text = canonicalTexts.get(template)
  if (text === undefined) canonicalTexts.set(template, (text = canonical(withoutHash(template))))
  return text
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  if (template.metadata?.labels?.[templateHashLabel] === undefined) return template
  const { [templateHashLabel]: _, ...labels } = template.metadata.labels
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** JSON with sorted fields; absent, null and empty are the same. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields: string[] = []
  for (const key of Object.keys(value).sort()) {
    const field = canonical((value as Record<string, unknown>)[key])
    if (field !== 'null' && field !== '{}' && field !== '[]') fields.push(`${JSON.stringify(key)}:${field}`)
  }
  return `{${fields.join(',')}}`
}
