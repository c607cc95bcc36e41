import { fieldErrors } from '../../../machinery/field-error.ts'
import { httpHeaderName } from '../../../machinery/names.ts'
import { checkName, checkNonNegative, checkPortOrName, checkRequired, type Errors } from '../../checks.ts'
import type { Container, Lifecycle, LifecycleHandler, PodOS, Probe, SleepAction } from '../../generated/types/core-v1.ts'
import { linuxStopSignals, windowsStopSignals } from './stop-signals.ts'

/** What the handlers of a pod are judged by. */
export type HandlerContext = { readonly gracePeriodSeconds: number; readonly os: PodOS | undefined }

export function validateProbes(errors: Errors, container: Container, context: HandlerContext, path: string): void {
  const { livenessProbe, readinessProbe, startupProbe } = container
  if (livenessProbe) {
    validateProbe(errors, livenessProbe, context, `${path}.livenessProbe`)
    checkSuccessThreshold(errors, livenessProbe, `${path}.livenessProbe`)
  }
  if (readinessProbe) {
    validateProbe(errors, readinessProbe, context, `${path}.readinessProbe`)
    const grace = readinessProbe.terminationGracePeriodSeconds
    if (grace !== undefined)
      errors.push(fieldErrors.invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
  }
  if (startupProbe) {
    validateProbe(errors, startupProbe, context, `${path}.startupProbe`)
    checkSuccessThreshold(errors, startupProbe, `${path}.startupProbe`)
  }
}

export function validateLifecycle(errors: Errors, lifecycle: Lifecycle, context: HandlerContext, path: string): void {
  const { postStart, preStop, stopSignal } = lifecycle
  if (postStart) validateHandler(errors, postStart, context, `${path}.postStart`)
  if (preStop) validateHandler(errors, preStop, context, `${path}.preStop`)
  if (stopSignal !== undefined) validateStopSignal(errors, stopSignal, context.os, `${path}.stopSignal`)
}

function validateStopSignal(errors: Errors, signal: string, os: PodOS | undefined, path: string): void {
  if (!os) errors.push(fieldErrors.forbidden(path, 'may not be set for containers with empty `spec.os.name`'))
  const supported = os?.name === 'windows' ? windowsStopSignals : os?.name === 'linux' ? linuxStopSignals : undefined
  if (supported && !supported.includes(signal)) errors.push(fieldErrors.notSupported(path, signal, supported))
}

function checkSuccessThreshold(errors: Errors, probe: Probe, path: string): void {
  if (probe.successThreshold !== undefined && probe.successThreshold !== 1)
    errors.push(fieldErrors.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'))
}

function validateProbe(errors: Errors, probe: Probe, context: HandlerContext, path: string): void {
  validateHandler(errors, probe, context, path)
  checkNonNegative(errors, `${path}.initialDelaySeconds`, probe.initialDelaySeconds)
  checkNonNegative(errors, `${path}.timeoutSeconds`, probe.timeoutSeconds)
  checkNonNegative(errors, `${path}.periodSeconds`, probe.periodSeconds)
  checkNonNegative(errors, `${path}.successThreshold`, probe.successThreshold)
  checkNonNegative(errors, `${path}.failureThreshold`, probe.failureThreshold)
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0)
    errors.push(fieldErrors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
}

type Handler = Pick<LifecycleHandler, 'exec' | 'httpGet' | 'tcpSocket' | 'sleep'> & Pick<Probe, 'grpc'>

function validateHandler(errors: Errors, handler: Handler, { gracePeriodSeconds }: HandlerContext, path: string): void {
  let count = 0
  const isFirst = (field: string): boolean => {
    count++
    if (count > 1) errors.push(fieldErrors.forbidden(`${path}.${field}`, 'may not specify more than 1 handler type'))
    return count === 1
  }
  if (handler.exec && isFirst('exec') && !handler.exec.command?.length) errors.push(fieldErrors.required(`${path}.exec.command`))
  if (handler.httpGet && isFirst('httpGet')) validateHttpGet(errors, handler.httpGet, `${path}.httpGet`)
  if (handler.tcpSocket && isFirst('tcpSocket')) checkPortOrName(errors, `${path}.tcpSocket.port`, handler.tcpSocket.port)
  if (handler.grpc && isFirst('grpc')) checkPortOrName(errors, `${path}.grpc.port`, handler.grpc.port)
  if (handler.sleep && isFirst('sleep')) validateSleep(errors, handler.sleep, gracePeriodSeconds, `${path}.sleep`)
  if (count === 0) errors.push(fieldErrors.required(path, 'must specify a handler type'))
}

function validateSleep(errors: Errors, { seconds = 0 }: Partial<SleepAction>, gracePeriodSeconds: number, path: string): void {
  if (seconds >= 0 && seconds <= gracePeriodSeconds) return
  const detail = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`
  errors.push(fieldErrors.invalid(path, seconds, detail))
}

function validateHttpGet(errors: Errors, action: NonNullable<Handler['httpGet']>, path: string): void {
  checkRequired(errors, `${path}.path`, action.path)
  checkPortOrName(errors, `${path}.port`, action.port)
  if (action.scheme !== 'HTTP' && action.scheme !== 'HTTPS')
    errors.push(fieldErrors.notSupported(`${path}.scheme`, action.scheme ?? '', ['HTTP', 'HTTPS']))
  for (const header of action.httpHeaders ?? []) checkName(errors, `${path}.httpHeaders`, header.name, httpHeaderName)
}
