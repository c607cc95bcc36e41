import type { Volume, VolumeProjection } from '../../generated/types/core-v1.ts'

/** Warns of files of one volume that lie at the same path or one inside another: only one of them can be there. */
export function volumePathWarnings({ name, configMap, secret, downwardAPI, projected }: Volume, out: string[]): void {
  const told = (what: string) => (overlap: string) => out.push(`volume ${JSON.stringify(name)} (${what}): overlapping paths: ${overlap}`)
  if (configMap?.items) overlaps(filesOf(configMap.items)).forEach(told(`ConfigMap ${JSON.stringify(configMap.name ?? '')}`))
  if (secret?.items) overlaps(filesOf(secret.items)).forEach(told(`Secret ${JSON.stringify(secret.secretName ?? '')}`))
  if (downwardAPI?.items) overlaps(filesOf(downwardAPI.items)).forEach(told('DownwardAPI'))
  if (!projected?.sources) return
  const files: File[] = []
  for (const source of projected.sources) {
    if (Object.keys(source).length === 0) out.push(`volume ${JSON.stringify(name)} (Projected) has no sources provided`)
    else overlaps(projectedFiles(source), files).forEach(told('Projected'))
  }
}

/** `from` is where a projected file comes from. */
type File = { readonly path: string; readonly from: string }

function filesOf(items: readonly { readonly path?: string }[], from = ''): File[] {
  return items.map(({ path = '' }) => ({ path, from }))
}

function projectedFiles({ configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection): File[] {
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`)
  if (secret?.items) return filesOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`)
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI')
  return serviceAccountToken ? filesOf([serviceAccountToken], 'ServiceAccountToken') : []
}

/** Each file against those before it; `before` grows. */
function overlaps(files: readonly File[], before: File[] = []): string[] {
  const found: string[] = []
  for (const { path, from } of files) {
    const file = { path: path.replace(/\/+$/, ''), from }
    for (const other of before) if (isOverlapping(file, other)) found.push(`${shown(file)} with ${shown(other)}`)
    before.push(file)
  }
  return found
}

function isOverlapping(a: File, b: File): boolean {
  if (a.path === '' || b.path === '') return false
  return `${a.path}/`.startsWith(`${b.path}/`) || `${b.path}/`.startsWith(`${a.path}/`)
}

const shown = ({ path, from }: File) => `${JSON.stringify(path)}${from ? ` (${from})` : ''}`
