/** Why a node's devices do not serve a pod's claims, request by request, and the least that would change that. */
import type { Rejection, Remedy, Verdict } from '../core/plugin.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Alternative, CompiledClaim } from './claim-requests.ts'
import { type DeviceState, type Unfit, unfit } from './device-fit.ts'
import type { PooledDevice } from './device-pools.ts'
import type { DeviceReach } from './device-reach.ts'

/** Upstream's reason. */
const cannotAllocate = 'cannot allocate all claims'
const holdersShown = 3

const lacking: Verdict = { reasons: [cannotAllocate], isResolvable: false }
const lackingBeyondInvalid: Verdict = { reasons: ['invalid resource pools were encountered'], isResolvable: false }

/** What a node says that has not got the devices: pools that contradict themselves may hide what there is. */
export const lackVerdict = ({ pools }: DeviceReach): Verdict =>
  pools.some(({ pool }) => pool.problem?.state === 'invalid') ? lackingBeyondInvalid : lacking

type Lack = { readonly detail: string; readonly remedy: Remedy | undefined }

/** For a node that `searchDevices` found nothing on. */
export function lackOnNode(claims: readonly CompiledClaim[], reach: DeviceReach, state: DeviceState): Rejection {
  const { devices } = reach
  const lacks = claims.flatMap((claim) =>
    claim.requests.flatMap(({ alternatives }) => {
      const ofEach = alternatives.map((a) => lackOf(claim, a, { devices, state }))
      // One alternative that can be had is enough.
      return ofEach.some((lack) => lack === undefined) ? [] : (ofEach as readonly Lack[])
    }),
  )
  const remedies = lacks.flatMap((l) => l.remedy ?? [])
  return {
    ...lackVerdict(reach),
    details: lacks.length > 0 ? lacks.map((l) => l.detail) : [combinationText(claims)],
    ...(lacks.length === 1 && remedies.length === 1 ? { remedies } : {}),
  }
}

function combinationText(claims: readonly CompiledClaim[]): string {
  const constraints = claims.flatMap(({ claim }) =>
    (claim.spec.devices?.constraints ?? []).map((c) =>
      c.matchAttribute === undefined ? `distinctAttribute ${c.distinctAttribute}` : `matchAttribute ${c.matchAttribute}`,
    ),
  )
  const rules = constraints.length > 0 ? ` and keeps ${constraints.join(', ')}` : ''
  return `each request has enough devices by itself, but no combination serves all of them at once${rules}`
}

function lackOf(
  { claim }: CompiledClaim,
  request: Alternative,
  { devices, state }: { readonly devices: readonly PooledDevice[]; readonly state: DeviceState },
): Lack | undefined {
  const problems = devices.map((device) => ({ device, unfit: unfit(request, device, state) }))
  const of = (...kinds: readonly Unfit['kind'][]) => problems.filter((p) => p.unfit && kinds.includes(p.unfit.kind))
  const usable = problems.filter((p) => !p.unfit).length
  const selected = devices.length - of('Pool', 'Selector', 'Error').length
  const wanted = request.isAll ? Math.max(1, selected) : request.count
  if (usable >= wanted) return undefined
  const counts = [
    [of('Pool').length, 'in a pool that is not usable now'],
    [of('Error').length, 'that a selector fails on'],
    [of('Selector').length, 'of another kind'],
    [of('InUse').length, `in use${holdersText(of('InUse'), state)}`],
    [of('Taint').length, `tainted (${textsOf(of('Taint'))})`],
    [of('Capacity').length, `without the capacity (${textsOf(of('Capacity'))})`],
    [of('Counter').length, `that need more of a shared counter than is left`],
  ] as const
  const list = counts.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`)
  const there = devices.length === 0 ? 'no device reaches this node' : `${devices.length} there: ${list.join(', ')}`
  const what = `${request.isAll ? 'all' : request.count} of class ${request.className}`
  const detail = `claim ${keyOf(claim)}, request ${request.name}: wants ${what}, ${usable} can be had, short ${wanted - usable} (${there})`
  return { detail, remedy: remedyOf(request, { short: wanted - usable, usable, inUse: of('InUse'), tainted: of('Taint'), state }) }
}

type Problem = { readonly device: PooledDevice; readonly unfit: Unfit | undefined }

/** What would do by itself: devices given back, a taint tolerated, fewer devices asked for. */
function remedyOf(
  request: Alternative,
  lack: {
    readonly short: number
    readonly usable: number
    readonly inUse: readonly Problem[]
    readonly tainted: readonly Problem[]
    readonly state: DeviceState
  },
): Remedy | undefined {
  const { short, usable, inUse, tainted, state } = lack
  if (tainted.length >= short)
    return { kind: 'Other', text: `tolerate what the device ${tainted[0]!.unfit!.text} in request ${request.name}` }
  if (inUse.length >= short) {
    const devices = inUse.slice(0, short).map(({ device }) => device.id)
    return {
      kind: 'Other',
      text: `free ${short === 1 ? 'device' : 'devices'} ${devices.join(', ')}, held${holdersText(inUse.slice(0, short), state)}`,
    }
  }
  if (!request.isAll && usable > 0)
    return { kind: 'Other', text: `reduce request ${request.name} from ${request.count} to ${usable} devices` }
  return undefined
}

function holdersText(problems: readonly Problem[], { taken }: DeviceState): string {
  const holders = [...new Set(problems.map(({ device }) => taken.holderOf(device.id) ?? ''))]
  const rest = holders.length > holdersShown ? ` and ${holders.length - holdersShown} more` : ''
  return ` by ${holders.length === 1 ? 'claim' : 'claims'} ${holders.slice(0, holdersShown).join(', ')}${rest}`
}

const textsOf = (problems: readonly Problem[]) => [...new Set(problems.map((p) => p.unfit!.text))].slice(0, holdersShown).join('; ')
