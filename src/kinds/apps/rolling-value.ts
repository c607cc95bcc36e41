import type { IntOrPercent } from '../int-or-percent.ts'

type Rolling = { readonly maxUnavailable?: IntOrPercent; readonly maxSurge?: IntOrPercent }

/** A strategy of an unknown type as upstream writes it into its message, by the names of its Go fields. */
export function rollingValue(type: string | undefined, rolling: Rolling | undefined): object {
  const RollingUpdate = rolling ? { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 } : null
  return { Type: type ?? '', RollingUpdate }
}
