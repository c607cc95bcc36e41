import type { Container, ContainerRestartRule, PodSpec } from './generated/types/core-v1.ts'

/** The first of a container's restart rules that is about this exit code. */
export function matchingRestartRule(
  { restartPolicyRules }: Pick<Container, 'restartPolicyRules'>,
  exitCode: number,
): ContainerRestartRule | undefined {
  return restartPolicyRules?.find(({ exitCodes }) => {
    const isListed = exitCodes?.values?.includes(exitCode) === true
    return exitCodes && (exitCodes.operator === 'NotIn' ? !isListed : isListed)
  })
}

/** Whether the end of one container can have all of the pod's run again. */
export function mayRestartAllContainers(spec: PodSpec | undefined): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some((container) =>
    container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  )
}
