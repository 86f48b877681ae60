import { isMember } from '#modules/companies'
import { findMembers } from '#modules/identity'
import { findAccounts, type Reads } from '#modules/ledger'
import { askTogether } from '#platform/questions'

/** Whose a wallet is; none of it ever changes. */
export interface Owner {
  readonly type: 'member' | 'company'
  readonly id: string
  /** The company itself, or the one that made the member; null for a person who signed up. */
  readonly companyId: string | null
}

/** What a process remembers of owners, so that points of a known wallet move without a question to the database. */
export interface Owners {
  /** The owner of a wallet; null when there is no such wallet, or nobody whose it is. */
  find(walletId: string): Promise<Owner | null> | Owner
  /** Whether a member may spend for a company. */
  isMember(companyId: string, memberId: string): Promise<boolean> | boolean
}

/** Remembers at most so many facts, the oldest forgotten first; that something is not there is never remembered. */
export function rememberOwners(reads: Reads, rememberedMax = 100_000): Owners {
  const owners = new Map<string, Owner>()
  const members = new Map<string, true>()
  // A crowd of wallets seen for the first time asks two questions together, not two for each.
  const ask = askTogether<string, Owner | null>({ name: 'owners', ask: (walletIds) => findOwners(reads, walletIds) })
  return {
    find(walletId) {
      return owners.get(walletId) ?? ask(walletId).then((owner) => remember(owners, walletId, owner))
    },
    isMember(companyId, memberId) {
      const name = `${companyId} ${memberId}`
      if (members.has(name)) return true
      return findMembership(reads, { companyId, memberId }).then((membership) => {
        if (membership === 'for good') remember(members, name, true)
        return membership !== null
      })
    },
  }

  function remember<Fact>(facts: Map<string, Fact>, name: string, fact: Fact | null): Fact | null {
    if (fact === null) return null
    if (facts.size >= rememberedMax) facts.delete(facts.keys().next().value!)
    facts.set(name, fact)
    return fact
  }
}

/** Whether a member belongs to a company: `for good` where the company made the member; who signed up may go again. */
async function findMembership(
  reads: Reads,
  { companyId, memberId }: { companyId: string; memberId: string },
): Promise<'for good' | 'for now' | null> {
  const [is, [member]] = await Promise.all([isMember(reads, { companyId, memberId }), findMembers(reads, [memberId])])
  if (!is) return null
  return member?.companyId === companyId ? 'for good' : 'for now'
}

/** The owners of wallets in their order; null where there is no such wallet, or nobody whose it is. */
export async function findOwners(reads: Reads, walletIds: readonly string[]): Promise<(Owner | null)[]> {
  const found = (await findAccounts(reads, walletIds)).filter((account) => account.kind === 'wallet')
  const accounts = new Map(found.map((account) => [account.id, account]))
  const memberIds = found.filter((account) => account.ownerType === 'member').map((account) => account.ownerId!)
  const members = new Map((await findMembers(reads, memberIds)).map((member) => [member.id, member]))
  return walletIds.map((walletId) => {
    const account = accounts.get(walletId)
    if (!account) return null
    const id = account.ownerId!
    if (account.ownerType === 'company') return { type: 'company', id, companyId: id }
    const member = members.get(id)
    return member ? { type: 'member', id, companyId: member.companyId } : null
  })
}
