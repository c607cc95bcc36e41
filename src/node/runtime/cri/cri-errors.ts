import { type ServiceError, status } from '@grpc/grpc-js'
import { RuntimeError, type RuntimeErrorReason } from '../contract.ts'

/** What was being done: the same gRPC code means other things to a pull. */
export type CriOperation = 'call' | 'pull'

/** Turns whatever a CRI call threw into a RuntimeError; a RuntimeError passes through. */
export function toRuntimeError(error: unknown, operation: CriOperation = 'call'): RuntimeError {
  if (error instanceof RuntimeError) return error
  const { code, details } = error as Partial<ServiceError>
  const message = details || (error instanceof Error ? error.message : String(error))
  return new RuntimeError(reasonOf(code, message, operation), message, { cause: error })
}

export function isNotFound(error: unknown): boolean {
  return toRuntimeError(error).reason === 'NotFound'
}

/** What containerd says when the registry itself, not the image, is the trouble. */
const registryTrouble =
  /connection refused|no such host|i\/o timeout|no route to host|network is unreachable|connection reset|TLS handshake|unexpected status code .*: 5\d\d/i

function reasonOf(code: number | undefined, message: string, operation: CriOperation): RuntimeErrorReason {
  if (code === status.UNAVAILABLE && !/rpc error/.test(message)) return 'Unavailable'
  if (operation === 'pull') return pullReasonOf(code, message)
  // The engine keeps names of pods and containers unique by attempt, and says so with code 2.
  if (/failed to reserve (sandbox|container) name/.test(message)) return 'AlreadyExists'
  switch (code) {
    case status.NOT_FOUND:
      return 'NotFound'
    case status.ALREADY_EXISTS:
      return 'AlreadyExists'
    case status.DEADLINE_EXCEEDED:
      return 'DeadlineExceeded'
    case status.UNAVAILABLE:
      return 'Unavailable'
    default:
      // containerd 1.6 wraps some lookups into code 2 and keeps only the words.
      return /(container|sandbox|image|task|process) .*not found|: not found$/.test(message) && !/executable file not found/.test(message)
        ? 'NotFound'
        : 'Failed'
  }
}

function pullReasonOf(code: number | undefined, message: string): RuntimeErrorReason {
  if (/invalid reference format|failed to parse image reference|repository name must be lowercase/.test(message)) return 'InvalidImageName'
  if (code === status.DEADLINE_EXCEEDED) return 'DeadlineExceeded'
  if (registryTrouble.test(message)) return 'RegistryUnavailable'
  return 'ImagePull'
}
