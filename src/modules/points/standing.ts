import { findRoles } from '#modules/companies'
import { findHold, findTransfer, type JournalHold, type JournalTransfer } from '#modules/ledger'
import type { Caller } from '#platform/access'
import type { Order, Points } from './points.ts'
import { type ChargedClass, findCompaniesOf, findTies, type Roles, type Sides } from './rights.ts'
import { findSides } from './sides.ts'

/** What is somebody's in the instruction: the wallet, or what the transfer or hold that it names lies between. */
export async function readSides(points: Points, { caller, instruction }: Order): Promise<Sides> {
  const { reads, owners } = points
  if ('walletId' in instruction) {
    const { kind, walletId } = instruction
    return {
      ...nobodys,
      owner: await owners.find(walletId),
      receiver: kind === 'move' ? await owners.find(instruction.toWalletId) : null,
      charged: kind === 'charge' ? instruction.class : null,
    }
  }
  // Whoever may do everything is not asked whose it is.
  if (caller.actor.type === 'operator') return nobodys
  if ('transferId' in instruction) {
    const transfer = await findTransfer(reads, instruction.transferId)
    return transfer ? sidesOfTransfer(points, transfer) : nobodys
  }
  const hold = await findHold(reads, instruction.holdId)
  return hold ? sidesOfHold(points, hold) : nobodys
}

/** Of a wallet whose owner is known. */
export const nobodys: Sides = { owner: null, receiver: null, merchantId: null, maker: null, charged: null }

/** Between whom a transfer lies. */
export async function sidesOfTransfer({ owners }: Points, transfer: JournalTransfer): Promise<Sides> {
  const { walletId, toWalletId, merchantId } = findSides(transfer)
  return {
    owner: walletId === null ? null : await owners.find(walletId),
    receiver: toWalletId === null ? null : await owners.find(toWalletId),
    merchantId,
    maker: transfer.actor,
    charged: findChargedClass(transfer),
  }
}

/** Between whom a hold lies. */
export async function sidesOfHold({ owners }: Points, hold: JournalHold): Promise<Sides> {
  return { ...nobodys, owner: await owners.find(hold.walletId), merchantId: hold.payeeId, maker: hold.actor }
}

/** What a caller is to these; of a person it is asked how they serve the companies among them. */
export async function readTies(
  { reads }: Points,
  { caller, sides }: { caller: Caller; sides: Sides },
): Promise<ReadonlySet<string>> {
  const { type, id } = caller.actor
  const companyIds = type === 'member' ? findCompaniesOf(sides) : []
  const roles = companyIds.length === 0 ? noRoles : await findRoles(reads, { memberId: id!, companyIds })
  return findTies(caller, { ...sides, roles })
}

const noRoles: Roles = new Map()

function findChargedClass({ kind, lots }: JournalTransfer): ChargedClass | null {
  if (kind !== 'charge' && kind !== 'grant') return null
  return lots.some((lot) => lot.class === 'paid') ? 'paid' : 'bonus'
}
