/**
 * Binding of claims and volumes: what is → the next write. Each plan names one write at most, and the one that follows it is planned
 * from what that write left behind; so a binding goes on wherever it was cut off.
 *  1. The volume is reserved first (claimRef), then the claim names the volume: two claims never share one.
 *  2. A completed binding is never undone by the controller; a claim that lost its volume says so and stays Lost.
 *  3. What the user wrote (volumeName, claimRef) is kept when a binding is undone.
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/
 */
import { toTime } from '../../base/clock.ts'
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  Pod,
} from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import {
  classNameOfClaim,
  findVolumeForClaim,
  isVolumeReservedFor,
  volumeAnnotations,
  volumeMismatch,
} from '../../kinds/storage/volume-binding.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { provisionerOf } from './provisioners.ts'

export type EventText = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type Write =
  | { readonly type: 'volume'; readonly volume: PersistentVolume }
  | { readonly type: 'volumeStatus'; readonly volume: PersistentVolume }
  | { readonly type: 'claim'; readonly claim: PersistentVolumeClaim }
  | { readonly type: 'claimStatus'; readonly claim: PersistentVolumeClaim }

export type Step = { readonly write?: Write; readonly event?: EventText }

export type ClaimObserved = {
  readonly claim: PersistentVolumeClaim
  /** The volume that the claim names. */
  readonly named: PersistentVolume | undefined
  /** Where a volume for an unbound claim may be found. */
  readonly volumes: readonly PersistentVolume[]
  readonly storageClass: StorageClass | undefined
  readonly defaultClass: StorageClass | undefined
  /** Pods that use the claim and have not ended. */
  readonly consumers: readonly Pod[]
  readonly nodeOf: (name: string) => Node | undefined
}

const { bindCompleted, boundByController, provisionedBy, provisioner, provisionerBeta, selectedNode } = volumeAnnotations
const nothing: Step = {}

export function planClaim(observed: ClaimObserved, nowMs: number): Step {
  const { claim, named } = observed
  if (claim.metadata.annotations?.[bindCompleted] !== undefined) return planBoundClaim(claim, named, nowMs)
  if (claim.metadata.deletionTimestamp) return nothing
  return claim.spec?.volumeName ? planClaimOfVolume(claim, named, nowMs) : planFreeClaim(observed, nowMs)
}

function planBoundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, nowMs: number): Step {
  if (!claim.spec?.volumeName)
    return lost(claim, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  if (!volume) return lost(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const reference = volume.spec?.claimRef
  // A reservation that was made anew, without a uid, is for whoever comes next by that name.
  if (!reference || reference.uid === claim.metadata.uid) return bindingStep(claim, volume, nowMs)
  return lost(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string): Step {
  const write = claimStatusWrite(claim, statusWithoutVolume(claim, 'Lost'))
  return write ? { write, event: { type: 'Warning', reason, message } } : nothing
}

/** The claim asks for one volume by its name. */
function planClaimOfVolume(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, nowMs: number): Step {
  if (!volume) return pending(claim)
  if (!volume.spec?.claimRef) {
    const mismatch = volumeMismatch(volume, claim)
    if (mismatch === undefined) return bindingStep(claim, volume, nowMs)
    const message = `Cannot bind to requested volume "${volume.metadata.name}": ${mismatch}`
    return pending(claim, { type: 'Warning', reason: 'VolumeMismatch', message })
  }
  if (isVolumeReservedFor(volume, claim)) return bindingStep(claim, volume, nowMs)
  return pending(claim, {
    type: 'Warning',
    reason: 'FailedBinding',
    message: `volume "${volume.metadata.name}" already bound to a different claim.`,
  })
}

function planFreeClaim(observed: ClaimObserved, nowMs: number): Step {
  const { claim, volumes, storageClass, defaultClass, consumers, nodeOf } = observed
  const nodeName = targetNode(observed)
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && nodeName === undefined
  const node = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && nodeName !== undefined ? nodeOf(nodeName) : undefined
  const found = findVolumeForClaim(claim, volumes, { reservedOnly: isDelayed, ...(node ? { node } : {}) })
  if (found) return bindingStep(claim, found, nowMs)
  const className = classNameOfClaim(claim)
  if (className === undefined && defaultClass) {
    const spec = { ...claim.spec, storageClassName: defaultClass.metadata.name ?? '' }
    return { write: { type: 'claim', claim: { ...claim, spec } } }
  }
  if (isDelayed) return pending(claim, waiting(consumers))
  if (className) return provisioningStep(claim, className, storageClass)
  return pending(claim, {
    type: 'Normal',
    reason: 'FailedBinding',
    message: 'no persistent volumes available for this claim and no storage class is set',
  })
}

/**
 * Where a claim that waits for its first consumer is wanted: where the scheduler says; beyond upstream also where a consumer
 * is already, which no scheduler was asked about (spec.nodeName set by hand).
 */
function targetNode({ claim, consumers }: ClaimObserved): string | undefined {
  const selected = claim.metadata.annotations?.[selectedNode]
  if (selected) return selected
  return consumers.map(({ spec }) => spec?.nodeName).find((name) => name)
}

/** A scheduler has looked at it in vain, or must not look yet: until then it is not worth a word. */
export const isUnplaced = (pod: Pod): boolean => podCondition(pod, 'PodScheduled')?.status === 'False'

function waiting(consumers: readonly Pod[]): EventText {
  const names = consumers.filter(isUnplaced).map(({ metadata }) => metadata.name ?? '')
  if (names.length === 0)
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' }
  const who = `${names.length === 1 ? 'pod' : 'pods'} ${names.sort().join(',')}`
  return { type: 'Normal', reason: 'WaitForPodScheduled', message: `waiting for ${who} to be scheduled` }
}

/** Says on the claim whose work it is to make a volume; provisioners look for that. */
function provisioningStep(claim: PersistentVolumeClaim, className: string, storageClass: StorageClass | undefined): Step {
  const failed = (message: string) => pending(claim, { type: 'Warning', reason: 'ProvisioningFailed', message })
  if (!storageClass) return failed(`storageclass.storage.k8s.io "${className}" not found`)
  const maker = provisionerOf(storageClass.provisioner)
  if (maker.kind === 'Absent' && !maker.isNamed) return failed(maker.message)
  const name = maker.kind === 'External' ? maker.name : storageClass.provisioner
  const annotations = claim.metadata.annotations ?? {}
  if (annotations[provisioner] !== name) {
    const told = { ...annotations, [provisioner]: name, [provisionerBeta]: name }
    return { write: { type: 'claim', claim: { ...claim, metadata: { ...claim.metadata, annotations: told } } } }
  }
  if (maker.kind === 'Absent') return failed(maker.message)
  return pending(claim, {
    type: 'Normal',
    reason: 'ExternalProvisioning',
    message:
      `Waiting for a volume to be created either by the external provisioner '${name}' or manually by the system administrator. ` +
      'If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
  })
}

function pending(claim: PersistentVolumeClaim, event?: EventText): Step {
  const write = claimStatusWrite(claim, statusWithoutVolume(claim, 'Pending'))
  return { ...(write ? { write } : {}), ...(event ? { event } : {}) }
}

/** The next of the four writes that bind the two: reserve, volume Bound, claim names the volume, claim Bound. */
function bindingStep(claim: PersistentVolumeClaim, volume: PersistentVolume, nowMs: number): Step {
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = claim.metadata
  const reference = volume.spec?.claimRef
  if (reference?.uid !== uid) {
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion }
    const annotations = { ...volume.metadata.annotations, ...(reference ? {} : { [boundByController]: 'yes' }) }
    const reserved = { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } }
    return { write: { type: 'volume', volume: reserved } }
  }
  const phase = volumeStatusWrite(volume, { phase: 'Bound' }, nowMs)
  if (phase) return { write: phase }
  const annotations = claim.metadata.annotations ?? {}
  const volumeName = volume.metadata.name ?? ''
  if (claim.spec?.volumeName !== volumeName || annotations[bindCompleted] === undefined) {
    const told = { ...annotations, [bindCompleted]: 'yes', ...(claim.spec?.volumeName ? {} : { [boundByController]: 'yes' }) }
    const bound = { ...claim, metadata: { ...claim.metadata, annotations: told }, spec: { ...claim.spec, volumeName } }
    return { write: { type: 'claim', claim: bound } }
  }
  const write = claimStatusWrite(claim, boundStatus(claim, volume))
  return write ? { write } : nothing
}

/** What the volume offers. Its size only when the claim becomes bound: later the two differ while a volume grows. */
function boundStatus(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaimStatus {
  const { accessModes, capacity, volumeAttributesClassName } = volume.spec ?? {}
  if (claim.status?.phase === 'Bound') return { ...claim.status, ...(accessModes ? { accessModes } : {}) }
  return {
    ...claim.status,
    phase: 'Bound',
    ...(accessModes ? { accessModes } : {}),
    ...(capacity ? { capacity } : {}),
    ...(volumeAttributesClassName ? { currentVolumeAttributesClassName: volumeAttributesClassName } : {}),
  }
}

/** Nothing that only a volume offers; what others say of the claim, its conditions above all, stays theirs. */
function statusWithoutVolume({ status }: PersistentVolumeClaim, phase: 'Lost' | 'Pending'): PersistentVolumeClaimStatus {
  const { accessModes: _m, capacity: _c, currentVolumeAttributesClassName: _n, ...kept } = status ?? {}
  return { ...kept, phase }
}

function claimStatusWrite(claim: PersistentVolumeClaim, status: PersistentVolumeClaimStatus): Write | undefined {
  return deepEqual(status, claim.status) ? undefined : { type: 'claimStatus', claim: { ...claim, status } }
}

type PhaseText = { readonly phase: NonNullable<NonNullable<PersistentVolume['status']>['phase']>; readonly message?: string }

/** Only where the phase is another: a message or a reason that somebody writes in between is theirs. */
function volumeStatusWrite(volume: PersistentVolume, { phase, message }: PhaseText, nowMs: number): Write | undefined {
  if (volume.status?.phase === phase) return undefined
  const { message: _told, ...kept } = volume.status ?? {}
  const next = { ...kept, phase, ...(message ? { message } : {}), lastPhaseTransitionTime: toTime(nowMs) }
  return { type: 'volumeStatus', volume: { ...volume, status: next } }
}

/** `claim`: the one that the volume's claimRef means, uid included. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined, nowMs: number): Step {
  const reference = volume.spec?.claimRef
  const become = (text: PhaseText): Step => {
    const write = volumeStatusWrite(volume, text, nowMs)
    return write ? { write } : nothing
  }
  if (volume.metadata.deletionTimestamp && !reference) return nothing
  if (!reference?.uid) return become({ phase: 'Available' })
  const { phase } = volume.status ?? {}
  const isOver = phase === 'Released' || phase === 'Failed'
  if (!claim) return isOver ? reclaimStep(volume, nowMs) : become({ phase: 'Released' })
  if (claim.spec?.volumeName === volume.metadata.name) return become({ phase: 'Bound' })
  // Reserved; the claim's own plan goes on from here.
  if (!claim.spec?.volumeName) return nothing
  // The claim has another volume.
  const isMade = volume.metadata.annotations?.[provisionedBy] !== undefined
  if (isMade && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') return isOver ? nothing : become({ phase: 'Released' })
  return { write: { type: 'volume', volume: unreserved(volume) } }
}

function unreserved(volume: PersistentVolume): PersistentVolume {
  const { [boundByController]: isOurs, ...annotations } = volume.metadata.annotations ?? {}
  const { claimRef, ...spec } = volume.spec ?? {}
  const kept = isOurs === undefined && claimRef ? { claimRef: { ...claimRef, uid: '', resourceVersion: '' } } : {}
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...spec, ...kept } }
}

/** Of a volume whose claim is gone. Deleting one that somebody provisioned is that provisioner's work. */
function reclaimStep(volume: PersistentVolume, nowMs: number): Step {
  const { name } = volume.metadata
  const fail = (reason: string, message: string): Step => {
    const write = volumeStatusWrite(volume, { phase: 'Failed', message }, nowMs)
    return write ? { write, event: { type: 'Warning', reason, message } } : nothing
  }
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Delete':
      // A CSI driver's volume is its provisioner's to delete, whoever made it.
      if (volume.metadata.deletionTimestamp || volume.metadata.annotations?.[provisionedBy] || volume.spec.csi) return nothing
      if (volume.spec.hostPath && !/\/tmp\/./.test(volume.spec.hostPath.path))
        return fail('VolumeFailedDelete', `host_path deleter only supports /tmp/.+ but received provided ${volume.spec.hostPath.path}`)
      return fail('VolumeFailedDelete', `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`)
    case 'Recycle':
      return fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!')
    default:
      return nothing
  }
}
