/** For tests: a store on which others come first. */
import type { Operation, Store } from '../store/contract.ts'

/** `first` has ended before a commit that is one of `these`, the first time. */
export function overtaken(inner: Store, these: (operation: Operation) => boolean, first: () => Promise<unknown>): Store {
  let isOver = false
  const commit: Store['commit'] = async (operations) => {
    if (!isOver && operations.some(these)) {
      isOver = true
      await first()
    }
    return inner.commit(operations)
  }
  return withCommit(inner, commit)
}

/** The store with another `commit`. */
export function withCommit(inner: Store, commit: Store['commit']): Store {
  return new Proxy(inner, {
    get: (target, property) => {
      if (property === 'commit') return commit
      const value: unknown = target[property as keyof Store]
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}
