import type { KubeObject } from '../machinery/object.ts'
import { age } from './human-duration.ts'
import type { Column } from './kind.ts'

type Cell<T> = Column<T>['cell']

/** Builders for printer columns; `wide` ones show with `-o wide` only. */
export const column = {
  string: <T>(name: string, cell: Cell<T>): Column<T> => ({ name, type: 'string', priority: 0, cell }),
  integer: <T>(name: string, cell: Cell<T>): Column<T> => ({ name, type: 'integer', priority: 0, cell }),
  boolean: <T>(name: string, cell: Cell<T>): Column<T> => ({ name, type: 'boolean', priority: 0, cell }),
  wide: <T>(name: string, cell: Cell<T>): Column<T> => ({ name, type: 'string', priority: 1, cell }),
} as const

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  cell: (object) => object.metadata?.name ?? '',
}

/** The name of a class, and whether it is what is taken when none is named: one of the annotations says so. */
export function nameOrDefaultColumn(annotations: readonly string[]): Column<KubeObject> {
  return {
    ...nameColumn,
    cell: ({ metadata }) => {
      const isDefault = annotations.some((annotation) => metadata?.annotations?.[annotation] === 'true')
      return `${metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`
    },
  }
}

export const ageColumn: Column<KubeObject> = {
  name: 'Age',
  type: 'string',
  priority: 0,
  cell: (object, nowMs) => age(object.metadata?.creationTimestamp, nowMs),
}

/** The columns of a kind without its own, as upstream's default table has them: the name and the raw time of creation. */
export const nameAndAge: readonly Column<KubeObject>[] = [
  nameColumn,
  { name: 'Created At', type: 'date', priority: 0, cell: (object) => object.metadata?.creationTimestamp ?? '<unknown>' },
]

/** Each address or host name of a load balancer once, sorted. */
export function balancerAddresses(ingress: readonly { readonly ip?: string; readonly hostname?: string }[] | undefined): string[] {
  return [...new Set(ingress?.map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== ''))].sort()
}

/** `a,b,c`, or `<none>`. */
export function joinOrNone(values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? '<none>' : values.join(',')
}

/** `k=v,k2=v2` in key order, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = labels ? Object.keys(labels).sort() : []
  return keys.length === 0 ? '<none>' : keys.map((k) => `${k}=${labels![k]}`).join(',')
}
