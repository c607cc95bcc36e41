/** `/healthz` and below it, as upstream words it. */
export type HealthCheck = { readonly name: string /** What is wrong; undefined: nothing. */; readonly check: () => string | undefined }

export type HealthAnswer = { readonly code: number; readonly text: string }

/** What `path` is answered; undefined: there is no such check. Pure but for the checks. */
export function answerHealth(checks: readonly HealthCheck[], path: string, query: URLSearchParams): HealthAnswer | undefined {
  const [, , name, ...rest] = path.split('/')
  if (name !== undefined && name !== '') {
    const found = rest.length === 0 ? checks.find((c) => c.name === name) : undefined
    if (!found) return undefined
    const trouble = found.check()
    return trouble === undefined ? { code: 200, text: 'ok' } : { code: 500, text: `internal server error: ${trouble}\n` }
  }
  const excluded = new Set(query.getAll('exclude'))
  const results = checks.map((c) => ({ name: c.name, isLeftOut: excluded.delete(c.name), trouble: c.check() }))
  const lines = results.map(({ name: one, isLeftOut, trouble }) => {
    if (isLeftOut) return `[+]${one} excluded: ok\n`
    // The reason is for the node's log: this answer may be anybody's.
    return trouble === undefined ? `[+]${one} ok\n` : `[-]${one} failed: reason withheld\n`
  })
  const unknown = [...excluded].sort().map((one) => JSON.stringify(one))
  if (unknown.length > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.join(',')}\n`)
  const isBad = results.some(({ isLeftOut, trouble }) => !isLeftOut && trouble !== undefined)
  if (isBad) return { code: 500, text: `${lines.join('')}healthz check failed\n` }
  return { code: 200, text: query.has('verbose') ? `${lines.join('')}healthz check passed\n` : 'ok' }
}
