import { itemKey } from './equality.ts'
import { JsonList } from './json-value.ts'
import { ArrayList, type CelList, JoinedList, type Value } from './value.ts'

/**
 * One list after the other; of lists with the semantics of sets or maps, what they say of a merge: the order of the first is kept, an
 * item of the second takes the place of its equal or is appended.
 */
export function listSum(a: CelList, b: CelList): CelList {
  if (a instanceof JsonList && a.merge) return merged(a, b)
  if (a.size === 0) return b
  return b.size === 0 ? a : new JoinedList(a, b)
}

function merged(a: JsonList, b: CelList): CelList {
  const items: Value[] = Array.from({ length: a.size }, (_, i) => a.at(i))
  const places = new Map(items.map((item, i) => [itemKey(item, a.merge!), i]))
  for (let i = 0; i < b.size; i++) {
    const item = b.at(i)
    const key = itemKey(item, a.merge!)
    const place = places.get(key)
    if (place !== undefined) items[place] = item
    else places.set(key, items.push(item) - 1)
  }
  return new ArrayList(items)
}
