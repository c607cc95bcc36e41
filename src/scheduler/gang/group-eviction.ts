import type { Judged } from '../core/judgement.ts'
import type { Budget } from '../core/preemption.ts'
import type { PodEntry } from '../core/snapshot.ts'
import type { AskedMember, GroupSeating, RoomInTheMaking } from './group-seating.ts'
import { groupVictims } from './group-victims.ts'

/**
 * Who would have to leave so that `needed` of the members have places at once: weaker pods alone, none that a budget protects. Undefined
 * when not so many get one: then nobody is to leave. It is played through on the snapshot, which is as before afterwards.
 */
export function planGroupEviction<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  members: readonly M[],
  { needed, within, budgets }: { readonly needed: number; readonly within: Judged | undefined; readonly budgets: readonly Budget[] },
): readonly RoomInTheMaking<A>[] | undefined {
  const { snapshot } = seating
  const rooms: RoomInTheMaking<A>[] = []
  const leaving: PodEntry[] = []
  const undo: (() => void)[] = []
  const settle = (asked: A, victims: readonly PodEntry[]): boolean => {
    const seat = seating.seat(asked)
    if (!seat || !('nodeName' in seat)) return false
    undo.push(() => seating.takeBack(seat))
    rooms.push({ asked, nodeName: seat.nodeName, victims })
    return true
  }
  const bringBack = (victims: readonly PodEntry[]) => {
    for (const { key, pod, nodeName } of victims) snapshot.addPod(key, pod, nodeName)
  }
  try {
    for (const [i, member] of members.entries()) {
      if (rooms.length >= needed || rooms.length + members.length - i < needed) break
      const asked = seating.ask(member, within)
      if (asked.refused || !asked.profile.preempts || settle(asked, [])) continue
      const victims = groupVictims(asked, { budgets, leaving })
      if (!victims) continue
      for (const { key } of victims) snapshot.removePod(key)
      if (settle(asked, victims)) leaving.push(...victims)
      else bringBack(victims)
    }
    return rooms.length >= needed ? rooms : undefined
  } finally {
    for (const step of undo.reverse()) step()
    bringBack(leaving)
  }
}
