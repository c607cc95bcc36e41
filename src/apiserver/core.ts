import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { SchemaSet } from '../machinery/schema/schema-set.ts'
import type { AdmissionChain } from './admission/chain.ts'
import type { Authorizer, UserInfo } from './contract.ts'
import type { Pace } from './flowcontrol/pace.ts'
import type { ObjectStorage } from './objects/object-storage.ts'
import type { PlacementGuard } from './placement/placement-guard.ts'
import type { Registry } from './registry.ts'
import type { JudgeWrite } from './objects/write-judges.ts'
import type { WriteHooks } from './objects/write-hooks.ts'

/** What every verb works with. */
export type Core = {
  readonly registry: Registry
  readonly storage: ObjectStorage
  readonly schemas: SchemaSet
  readonly admission: AdmissionChain
  readonly authorizer: Authorizer
  readonly hooks: WriteHooks
  readonly judgeWrite: JudgeWrite
  /** Asked where several place pods at once. */
  readonly placement: PlacementGuard
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** One request on its way, whichever transport it came by. */
export type RequestContext = {
  readonly user: UserInfo
  /** As authorizers see it: an update may be asked for as `update` or as `patch`. */
  readonly verb: string
  readonly signal: AbortSignal
  /** Throws where the client has left or the time of the request has run out: called before anything is written. Absent: never. */
  proceed?(): void
  /** First part of the User-Agent, the field manager of requests that name none. */
  readonly agent: string
  /** How it shares the event loop with others; absent in this process. */
  readonly pace?: Pace | undefined
  /** Answered over a connection, where each piece costs a write. */
  readonly isRemote?: boolean
  /** To be called when a watch has told its initial state. */
  readonly started?: (() => void) | undefined
  /** Adds a Warning header to the answer; equal messages once. */
  warn(message: string): void
  /** False: nobody reads warnings, and none need be looked for. */
  readonly readsWarnings?: boolean
  /** Answers are taken as objects, and never sent: what is gone need not be encoded once more. */
  readonly takesObjects?: boolean
  /** Notes something in the audit entry of the request; absent: there is none. */
  readonly annotate?: ((key: string, value: string) => void) | undefined
}

export type WriteParameters = {
  readonly dryRun: boolean
  readonly fieldManager: string | undefined
  readonly fieldValidation: FieldValidation
  readonly isValidationGiven?: boolean
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'
