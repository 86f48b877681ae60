import { openAccounts } from '#modules/ledger'
import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import { insertMembers, selectMembers, selectMembersByExternalId } from './store.ts'

/** A person of the programme, who holds one wallet. All ids are UUIDs. */
export interface Member {
  readonly id: string
  /** The company that made the member; null for who signed up. */
  readonly companyId: string | null
  /** What that company calls the member; unique within it. */
  readonly externalId: string | null
  readonly email: string | null
  /** 1 to 50 characters, NFC, trimmed; 2 to 20 of a person who signs in. */
  readonly nickname: string
  readonly bio: string | null
  /** A day like 2000-12-31. */
  readonly birthOn: string | null
  /** Whether the whole programme is entrusted to the member. */
  readonly isAdmin: boolean
  /** Goes up with every change of what others see. */
  readonly version: number
  readonly walletId: string
  readonly createdAt: Date
  /** When a person who had signed up left; null for everybody else. */
  readonly leftAt: Date | null
}

/** What a member is made from; `companyId` is the company that makes it, or null for a person who signed up. */
export type NewMember = Pick<Member, 'companyId' | 'externalId' | 'email' | 'nickname'> &
  Partial<Pick<Member, 'bio' | 'birthOn'>>

/** Makes members (at most 1,000) and their wallets, in the order given. Throws `externalIdTaken`. */
export async function createMembers(work: Work, inputs: readonly NewMember[]): Promise<Member[]> {
  const createdAt = await work.now()
  const members = inputs.map((input) => ({
    id: work.newId(),
    bio: null,
    birthOn: null,
    ...input,
    isAdmin: false,
    version: 1,
    walletId: work.newId(),
    createdAt,
    leftAt: null,
  }))
  await insertMembers(work, members)
  const owner = { kind: 'wallet', ownerType: 'member' } as const
  await openAccounts(
    work,
    members.map(({ id, walletId }) => ({ id: walletId, ...owner, ownerId: id })),
  )
  return members
}

/** The members that these ids name, in any order; ids of nobody are left out. */
export function findMembers(reads: { readonly sql: Sql }, ids: readonly string[]): Promise<Member[]> {
  return selectMembers(reads, ids)
}

/** The members that a company knows by these external ids (at most 1,000), in any order; ids of nobody are left out. */
export function findMembersByExternalId(
  reads: { readonly sql: Sql },
  query: { companyId: string; externalIds: readonly string[] },
): Promise<Member[]> {
  return selectMembersByExternalId(reads, query)
}
