/** A container could not be started: `reason` and message are shown as its waiting state. */
export class StartError extends Error {
  override name = 'StartError'
  readonly reason: StartErrorReason
  constructor(reason: StartErrorReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export type StartErrorReason =
  | 'ErrImagePull'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'ImageInspectError'
  | 'RegistryUnavailable'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'PostStartHookError'
