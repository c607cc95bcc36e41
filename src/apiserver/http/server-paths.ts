import { build } from '../../platform/build.ts'
import type { ApiResponse } from '../contract.ts'
import type { Registry } from '../registry.ts'
import type { ApiMetrics } from '../metrics.ts'
import type { PathHandler } from '../pipeline.ts'
import type { Core } from '../core.ts'

/** Answers by path with headers at hand: discovery and OpenAPI. */
export type Responder = { respond(path: string, headers: Readonly<Record<string, string | string[] | undefined>>): ApiResponse | undefined }

export function respondWith(responder: Responder): PathHandler {
  return ({ path }, { headers, method }) => (method === 'GET' || method === 'HEAD' ? responder.respond(path, headers) : undefined)
}

/** A named condition of health; true is well. */
export type HealthCheck = {
  readonly name: string
  /** Upstream's name for the same, by which probes may ask for it or leave it out. */
  readonly upstreamName?: string
  readonly isHealthy: () => boolean | Promise<boolean>
}

/**
 * `/livez`, `/readyz` and `/healthz`, each check also under its own path (https://kubernetes.io/docs/reference/using-api/health-checks/);
 * `/metrics/slis` tells how the roots were answered (https://kubernetes.io/docs/reference/instrumentation/slis/).
 */
export function healthPaths(checks: { readonly live: readonly HealthCheck[]; readonly ready: readonly HealthCheck[] }): PathHandler {
  const byRoot: Readonly<Record<string, readonly HealthCheck[]>> = {
    livez: checks.live,
    healthz: checks.live,
    readyz: [...checks.live, ...checks.ready],
  }
  const outcomes = new HealthOutcomes()
  return async ({ path, query }) => {
    if (path === '/metrics/slis') return { code: 200, headers: metricsHeaders, body: Buffer.from(outcomes.text()) }
    const [, root = '', name, more] = path.split('/')
    const all = Object.hasOwn(byRoot, root) ? byRoot[root]! : undefined
    if (!all || more !== undefined || name === '') return undefined
    if (name) {
      const one = all.find((check) => check.name === name || check.upstreamName === name)
      return one && ((await one.isHealthy()) ? text(200, 'ok') : text(500, `internal server error: ${name} is not well\n`))
    }
    const excluded = new Set(query.getAll('exclude'))
    const results = await Promise.all(
      all.map(async ({ name: check, upstreamName = check, isHealthy }) => {
        if (excluded.delete(check) || excluded.delete(upstreamName)) return { line: `[+]${check} excluded: ok`, isWell: true }
        const isWell = await isHealthy()
        outcomes.note({ name: check, type: root }, isWell)
        return { line: isWell ? `[+]${check} ok` : `[-]${check} failed: reason withheld`, isWell }
      }),
    )
    const isWell = results.every((r) => r.isWell)
    if (isWell && query.get('verbose') === undefined) return text(200, 'ok')
    const strange = [...excluded].map((check) => JSON.stringify(check)).join()
    const warning = strange === '' ? '' : `warn: some health checks cannot be excluded: no matches for ${strange}\n`
    const lines = results.map(({ line }) => `${line}\n`).join('')
    return text(isWell ? 200 : 500, `${lines}${warning}${root} check ${isWell ? 'passed' : 'failed'}\n`)
  }
}

type Check = { readonly name: string; readonly type: string }

/** What each check of each root came to, last and in all. */
class HealthOutcomes {
  readonly #checks = new Map<string, { readonly check: Check; isWell: boolean; success: number; error: number }>()

  note(check: Check, isWell: boolean): void {
    const key = `${check.name} ${check.type}`
    const known = this.#checks.get(key) ?? { check, isWell, success: 0, error: 0 }
    known.isWell = isWell
    known[isWell ? 'success' : 'error']++
    this.#checks.set(key, known)
  }

  text(): string {
    const checks = [...this.#checks.values()]
    const last = checks.map(
      ({ check: { name, type }, isWell }) => `kubernetes_healthcheck{name="${name}",type="${type}"} ${Number(isWell)}\n`,
    )
    const total = checks.flatMap(({ check: { name, type }, ...counts }) =>
      (['error', 'success'] as const)
        .filter((status) => counts[status] > 0)
        .map((status) => `kubernetes_healthchecks_total{name="${name}",status="${status}",type="${type}"} ${counts[status]}\n`),
    )
    return [
      '# HELP kubernetes_healthcheck [STABLE] What a check of health came to when it was last made: 1 is well.\n# TYPE kubernetes_healthcheck gauge\n',
      ...last,
      '# HELP kubernetes_healthchecks_total [STABLE] What the checks of health came to.\n# TYPE kubernetes_healthchecks_total counter\n',
      ...total,
    ].join('')
  }
}

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  ...build,
} as const

/** Which version this is, for rules that look for several at once. */
const buildInfo =
  '# HELP kubernetes_build_info The version of this server.\n# TYPE kubernetes_build_info gauge\n' +
  `kubernetes_build_info{build_date="${version.buildDate}",compiler="${version.compiler}",git_commit="${version.gitCommit}",` +
  `git_tree_state="${version.gitTreeState}",git_version="${version.gitVersion}",go_version="${version.goVersion}",` +
  `major="${version.major}",minor="${version.minor}",platform="${version.platform}"} 1\n`

export const versionPath: PathHandler = ({ path }) => (path === '/version' || path === '/version/' ? indented(version) : undefined)

/** `/metrics`: in blocks, so that a big scrape holds nobody up. `more` adds families of other parts of the process. */
export function metricsPath(core: Core, metrics: ApiMetrics, more?: () => Promise<string> | string): PathHandler {
  return ({ path }) => {
    if (path !== '/metrics') return undefined
    return { code: 200, headers: metricsHeaders, body: metricBlocks(core, metrics, more) }
  }
}

const metricsHeaders = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } as const
const metricBlockChars = 64 * 1024

async function* metricBlocks(
  core: Core,
  metrics: ApiMetrics,
  more: (() => Promise<string> | string) | undefined,
): AsyncGenerator<Uint8Array> {
  const { cache } = core.storage
  const stored = core.registry.all().filter((r) => r.kind.persisted && r.kind === r.storage)
  const counts = stored.map((resource) => [resource, cache.count(resource.prefix)] as const)
  let block = buildInfo
  for (const line of metrics.text(counts)) {
    block += line
    if (block.length < metricBlockChars) continue
    yield Buffer.from(block)
    block = ''
  }
  if (more) block += await more()
  yield Buffer.from(block)
}

/** The documents by which others verify service account tokens (OpenID Connect discovery). */
export function openIdPaths(documents: { readonly configuration: () => object; readonly keySet: () => object }): PathHandler {
  return ({ path }) => {
    if (path === '/.well-known/openid-configuration') return json(documents.configuration())
    if (path !== '/openid/v1/jwks') return undefined
    return { code: 200, headers: { 'content-type': 'application/jwk-set+json' }, body: Buffer.from(JSON.stringify(documents.keySet())) }
  }
}

function json(value: object, indent = 0): ApiResponse {
  return {
    code: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' },
    body: Buffer.from(JSON.stringify(value, undefined, indent)),
  }
}

/** What people read more often than programs. */
const indented = (value: object) => json(value, 2)

function text(code: number, body: string): ApiResponse {
  return {
    code,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private', 'x-content-type-options': 'nosniff' },
    body: Buffer.from(body),
  }
}

const fixedPaths = [
  '/.well-known/openid-configuration',
  '/api',
  '/apis',
  '/apis/',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
]
const openPaths = ['/openid/v1/jwks', '/version']

/** `GET /`: the paths that can be asked for, the groups of custom and aggregated kinds among them. */
export function indexPath(
  registry: Registry,
  checks: { readonly live: readonly HealthCheck[]; readonly ready: readonly HealthCheck[] },
  aggregated: () => readonly { readonly group: string; readonly version: string }[],
): PathHandler {
  return ({ path }, { method }) => {
    if (path !== '/' || (method !== 'GET' && method !== 'HEAD')) return undefined
    const versions = [...registry.all().map(({ kind }) => kind), ...aggregated()]
    const groups = versions.flatMap(({ group, version }) =>
      group === '' ? [`/api/${version}`] : [`/apis/${group}`, `/apis/${group}/${version}`],
    )
    const health = (root: string, of: readonly HealthCheck[]) => [`/${root}`, ...of.map(({ name }) => `/${root}/${name}`)]
    const healths = [
      ...health('healthz', checks.live),
      ...health('livez', checks.live),
      ...health('readyz', [...checks.live, ...checks.ready]),
    ]
    return indented({ paths: [...new Set([...fixedPaths, ...openPaths, ...groups, ...healths])].sort() })
  }
}
