import type { Work } from '#platform/work'

/** Whether the member still has the address. Which of several links said so first stays. */
export async function updateConfirmed(
  work: Work,
  input: { memberId: string; address: string; at: Date },
): Promise<boolean> {
  const touched = await work.sql.run(
    `update identity.login set address_confirmed_at = coalesce(address_confirmed_at, $3)
     where member_id = $1 and address = $2`,
    [input.memberId, input.address, input.at],
  )
  return touched === 1
}

/** The same, with a password in place of the one that was forgotten. */
export async function updateForgotten(
  work: Work,
  input: { memberId: string; address: string; passwordHash: string; at: Date },
): Promise<boolean> {
  const touched = await work.sql.run(
    `update identity.login
     set password_hash = $3, address_confirmed_at = coalesce(address_confirmed_at, $4)
     where member_id = $1 and address = $2`,
    [input.memberId, input.address, input.passwordHash, input.at],
  )
  return touched === 1
}
