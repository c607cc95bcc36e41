import { join } from 'node:path'
import { diskSpace } from '../../platform/machine-facts.ts'
import { readTextFile, writeTextFile } from '../../platform/text-file.ts'
import type { AgentBase } from './agent-base.ts'
import { ImageCollector } from '../images/image-gc.ts'
import { ImagePuller } from '../images/image-puller.ts'
import { PullRecords, type PullRecordsOptions } from '../images/pull-records.ts'
import { pullCredentials } from '../images/registry-credentials.ts'
import type { PodStarts } from '../stats/pod-starts.ts'

const imageCheckPeriodMs = 60_000

export type AgentImages = {
  readonly puller: ImagePuller
  readonly collector: ImageCollector
  /** Once, before pods start: who may use an image that is gone is forgotten. */
  forgetPullsOfGoneImages(): Promise<void>
}

/** The images of a node: how they come, who may use them, and how they go. */
export function agentImages(
  base: AgentBase,
  { starts, onImages }: { readonly starts: PodStarts; readonly onImages: ConstructorParameters<typeof ImageCollector>[0]['onImages'] },
): AgentImages {
  const { options, settings, metrics, references, loop, podEvent } = base
  const { runtime, clock, log, files } = options
  const collector = new ImageCollector({
    runtime,
    clock,
    log,
    policy: settings.imageGc,
    inUse: () => new Set([...loop().workers.values()].flatMap((w) => w.sandboxes).flatMap((s) => s.containers.map((c) => c.imageId))),
    disk: () => (files ? diskSpace(files.rootDir) : undefined),
    onImages,
    checkPeriodMs: imageCheckPeriodMs,
  })
  const records = new PullRecords(files ? pullRecordsFile(join(files.rootDir, 'image-pulls.json')) : forgottenRecords)
  const puller = new ImagePuller({
    runtime,
    clock,
    event: podEvent,
    parallelPulls: settings.parallelPulls,
    records,
    credentials: async (pod, image) => {
      const { credentials, missing } = await pullCredentials(references, pod, image)
      if (missing.length > 0) {
        const message = `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`
        podEvent(pod, { type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message })
      }
      return credentials
    },
    onUse: (image) => collector.noteUse(image),
    onPulled: (pod, image, times) => {
      metrics.pulled(image.sizeBytes, times.pullMs)
      const worker = loop().worker(pod.metadata.uid ?? '')
      if (worker) starts.pulled(worker, times)
    },
  })
  const forgetPullsOfGoneImages = async () => {
    try {
      records.retain(new Set((await runtime.images()).map(({ id }) => id)))
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'records of pulls are kept as they are: the images cannot be listed')
    }
  }
  return { puller, collector, forgetPullsOfGoneImages }
}

function pullRecordsFile(path: string): PullRecordsOptions {
  return { stored: readTextFile(path), keep: (text) => writeTextFile(path, text) }
}

const forgottenRecords: PullRecordsOptions = { stored: undefined, keep: () => {} }
