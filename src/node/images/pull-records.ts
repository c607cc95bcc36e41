import { createHash } from 'node:crypto'
import type { RegistryAuth } from '../runtime/contract.ts'

/**
 * Which credentials a registry took for the images that this node has pulled: a pod that brings none of them may not use such an image
 * only because another pod's secret brought it here. Images that came otherwise (preloaded, or pulled without credentials) are everyone's.
 * Source: upstream's KubeletEnsureSecretPulledImages with the policy NeverVerifyPreloadedImages.
 */
export class PullRecords {
  readonly #records: Map<string, ImageRecord>
  /** References whose pull with credentials was begun and not told to have ended: not known yet whose the image is. */
  readonly #begun: Set<string>
  readonly #keep: (text: string) => void

  /** `stored`: what `keep` was given last, if anything. Text that is none of ours, as after a power failure, counts as none. */
  constructor({ stored, keep }: PullRecordsOptions) {
    const { images = {}, begun = [] } = parse(stored)
    this.#records = new Map(Object.entries(images))
    this.#begun = new Set(begun)
    this.#keep = keep
  }

  /** Whether a pod may use the present image as it is. `credentials` are asked for only when it depends on them. */
  async mayUse(image: PulledImage, credentials: () => Promise<readonly RegistryAuth[]>): Promise<boolean> {
    const record = this.#records.get(image.id)
    if (!record) return !this.#begun.has(image.reference)
    if (record.isForAll) return true
    const taken = record.credentials[image.repository] ?? []
    if (taken.length === 0) return false
    return (await credentials()).some((auth) => taken.includes(hashOf(auth)))
  }

  /** Before a pull with credentials: a crash before its end leaves an image that nobody may use unasked. */
  begin(reference: string): void {
    if (this.#begun.has(reference)) return
    this.#begun.add(reference)
    this.#store()
  }

  /** The registry gave the image for these credentials; undefined: for none. */
  pulled(image: PulledImage, auth: RegistryAuth | undefined): void {
    const record = this.#records.get(image.id) ?? { isForAll: false, credentials: {} }
    const wasBegun = this.#begun.delete(image.reference)
    const taken = record.credentials[image.repository] ?? []
    const hash = auth && hashOf(auth)
    const isKnown = hash === undefined ? record.isForAll : taken.includes(hash)
    if (isKnown && !wasBegun && this.#records.has(image.id)) return
    this.#records.set(image.id, {
      isForAll: record.isForAll || hash === undefined,
      credentials: hash === undefined || isKnown ? record.credentials : { ...record.credentials, [image.repository]: [...taken, hash] },
    })
    this.#store()
  }

  failed(reference: string): void {
    if (this.#begun.delete(reference)) this.#store()
  }

  /** Forgets the records of all images but these. Only before the first pull: one that is just being pulled is in no list. */
  retain(ids: ReadonlySet<string>): void {
    const gone = [...this.#records.keys()].filter((id) => !ids.has(id))
    for (const id of gone) this.#records.delete(id)
    if (gone.length > 0) this.#store()
  }

  #store(): void {
    this.#keep(JSON.stringify({ images: Object.fromEntries(this.#records), begun: [...this.#begun] } satisfies Stored))
  }
}

export type PullRecordsOptions = { readonly stored: string | undefined; readonly keep: (text: string) => void }

/** `reference` in its full form, `repository` without tag and digest. */
export type PulledImage = { readonly id: string; readonly reference: string; readonly repository: string }

type ImageRecord = { readonly isForAll: boolean; readonly credentials: Readonly<Record<string, readonly string[]>> }
type Stored = { readonly images: Readonly<Record<string, ImageRecord>>; readonly begun: readonly string[] }

function parse(stored: string | undefined): Partial<Stored> {
  try {
    return stored === undefined ? {} : (JSON.parse(stored) as Partial<Stored>)
  } catch {
    return {}
  }
}

function hashOf(auth: RegistryAuth): string {
  return createHash('sha256').update(JSON.stringify(auth)).digest('hex')
}
