import { fieldErrors } from '../../../machinery/field-error.ts'
import { httpHeaderName } from '../../../machinery/names.ts'
import { checkEnum, checkNonNegative, checkPortOrName, checkRequired, type Errors } from '../../checks.ts'
import type { Container, Lifecycle, LifecycleHandler, Probe } from '../../generated/types/core-v1.ts'

export function validateProbes(errors: Errors, container: Container, gracePeriodSeconds: number, path: string): void {
  const { livenessProbe, readinessProbe, startupProbe } = container
  if (livenessProbe) {
    validateProbe(errors, livenessProbe, gracePeriodSeconds, `${path}.livenessProbe`)
    checkSuccessThreshold(errors, livenessProbe, `${path}.livenessProbe`)
  }
  if (readinessProbe) {
    validateProbe(errors, readinessProbe, gracePeriodSeconds, `${path}.readinessProbe`)
    if (readinessProbe.terminationGracePeriodSeconds !== undefined)
      errors.push(
        fieldErrors.invalid(
          `${path}.readinessProbe.terminationGracePeriodSeconds`,
          readinessProbe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes',
        ),
      )
  }
  if (startupProbe) {
    validateProbe(errors, startupProbe, gracePeriodSeconds, `${path}.startupProbe`)
    checkSuccessThreshold(errors, startupProbe, `${path}.startupProbe`)
  }
}

export function validateLifecycle(errors: Errors, lifecycle: Lifecycle | undefined, gracePeriodSeconds: number, path: string): void {
  if (lifecycle?.postStart) validateHandler(errors, lifecycle.postStart, gracePeriodSeconds, `${path}.postStart`)
  if (lifecycle?.preStop) validateHandler(errors, lifecycle.preStop, gracePeriodSeconds, `${path}.preStop`)
}

function checkSuccessThreshold(errors: Errors, probe: Probe, path: string): void {
  if (probe.successThreshold !== undefined && probe.successThreshold !== 1)
    errors.push(fieldErrors.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'))
}

function validateProbe(errors: Errors, probe: Probe, gracePeriodSeconds: number, path: string): void {
  validateHandler(errors, probe, gracePeriodSeconds, path)
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

function validateHandler(errors: Errors, handler: Handler, gracePeriodSeconds: number, path: string): void {
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
  if (handler.sleep && isFirst('sleep')) {
    const { seconds } = handler.sleep
    if (!(seconds >= 0 && seconds <= gracePeriodSeconds))
      errors.push(
        fieldErrors.invalid(
          `${path}.sleep`,
          seconds,
          `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`,
        ),
      )
  }
  if (count === 0) errors.push(fieldErrors.required(path, 'must specify a handler type'))
}

function validateHttpGet(errors: Errors, action: NonNullable<Handler['httpGet']>, path: string): void {
  checkRequired(errors, `${path}.path`, action.path)
  checkPortOrName(errors, `${path}.port`, action.port)
  checkEnum(errors, `${path}.scheme`, action.scheme, ['HTTP', 'HTTPS'])
  if (action.httpHeaders)
    for (const header of action.httpHeaders)
      for (const message of httpHeaderName(header.name ?? '')) errors.push(fieldErrors.invalid(`${path}.httpHeaders`, header.name, message))
}
