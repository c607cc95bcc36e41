import type { PodEntry, Snapshot } from '../core/snapshot.ts'
import type { Attempt, Placer } from '../placer.ts'
import type { Preemptor } from '../preemptor.ts'

/** A member's place in the making: who leaves the node for it. */
export type RoomInTheMaking = { readonly attempt: Attempt; readonly nodeName: string; readonly victims: readonly PodEntry[] }

/**
 * Who would have to leave so that `needed` of the members have places at once: weaker pods alone, none that a budget protects. Undefined
 * when not so many get one: then nobody is to leave. It is played through on the snapshot, which is as before afterwards.
 */
export function planGroupEviction(
  { snapshot, placer, preemptor }: { readonly snapshot: Snapshot; readonly placer: Placer; readonly preemptor: Preemptor },
  attempts: readonly Attempt[],
  needed: number,
): readonly RoomInTheMaking[] | undefined {
  const rooms: RoomInTheMaking[] = []
  const leaving: PodEntry[] = []
  const undo: (() => void)[] = []
  const settle = (attempt: Attempt, victims: readonly PodEntry[]): boolean => {
    const placed = placer.place(attempt)
    if (placed.kind !== 'Placed') return false
    undo.push(() => placer.takeBack(placed))
    rooms.push({ attempt, nodeName: placed.nodeName, victims })
    return true
  }
  const bringBack = (victims: readonly PodEntry[]) => {
    for (const { key, pod, nodeName } of victims) snapshot.addPod(key, pod, nodeName)
  }
  try {
    for (const attempt of attempts) {
      if (rooms.length >= needed) break
      if (attempt.refused || settle(attempt, [])) continue
      const { core } = attempt.profile
      const victims = preemptor.victimsForGroup(core, attempt.target, leaving)
      if (!victims) continue
      for (const { key } of victims) snapshot.removePod(key)
      if (settle(attempt, victims)) leaving.push(...victims)
      else bringBack(victims)
    }
    return rooms.length >= needed ? rooms : undefined
  } finally {
    for (const step of undo.reverse()) step()
    bringBack(leaving)
  }
}
