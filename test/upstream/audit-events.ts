import { auditAdmissionCases, auditAdmissionGiven, auditHooks } from './audit-admission-cases.ts'
import { auditCases } from './audit-cases.ts'
import { startHooks } from './case-hooks.ts'
import { removeNamespace, runCases, type Send, steady } from './run-cases.ts'

/** The events of one request, in order, without what differs from run to run. */
export type AuditedCase = { readonly id: string; readonly events: readonly unknown[] }

/** Sends what `audit-cases.ts` holds, and gives the events of each request out of all that `recorded` knows then. */
export async function auditedCases(send: Send, recorded: () => Promise<readonly { readonly auditID?: string }[]>): Promise<AuditedCase[]> {
  const cases = [...auditCases, ...auditAdmissionCases]
  const hooks = await startHooks(auditHooks)
  await runCases({ namespace: 'upstream-audit', given: auditAdmissionGiven, fill: hooks.fill }, cases, send)
  await hooks.close()
  await removeNamespace('upstream-audit', send)
  const all = await recorded()
  return cases.map(({ name }) => ({ id: name, events: all.filter(({ auditID }) => auditID === name).map(settled) }))
}

function settled(event: object): unknown {
  const { annotations, ...rest } = event as { annotations?: Readonly<Record<string, string>> }
  const notes = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith('apiserver.latency.k8s.io/'))
  return steady(
    { ...rest, ...(notes.length > 0 ? { annotations: Object.fromEntries(notes) as unknown } : {}) },
    {
      withManagedFields: true,
      withNulls: false,
    },
  )
}
