/** What probes ask: whole roots, single checks, and what is left out. */
import { type Case, read } from '../upstream-case.ts'

const keeps = ['content-type', 'cache-control']
const asked = (path: string): Case => ({ name: path, steps: [{ ...read(path), keeps }] })

export const cases: readonly Case[] = [
  ...['/healthz', '/livez', '/readyz'].map(asked),
  asked('/livez/ping'),
  asked('/livez/ping?verbose'),
  asked('/livez/ping/more'),
  asked('/livez/none'),
  asked('/livez/'),
  asked('/livez/ping/'),
  asked('/livez?exclude=none'),
  asked('/livez?exclude=ping'),
  asked('/livez/ping?exclude=ping'),
  { name: 'POST', steps: [{ method: 'POST', path: '/readyz', body: '{}' }] },
]
