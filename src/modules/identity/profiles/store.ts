import type { Work } from '#platform/work'
import type { Profile } from './profiles.ts'

/** Nobody else changes the member until the unit of work ends; what names it, like a session, may come. */
export async function lockMember(work: Work, id: string): Promise<void> {
  await work.sql.rows('select from identity.member where id = $1 for no key update', [id])
}

export async function updateEmail(work: Work, { id, email }: { id: string; email: string }): Promise<void> {
  await work.sql.run('update identity.member set email = $2, version = version + 1 where id = $1', [id, email])
}

export async function updateProfile(work: Work, { id, nickname, birthOn, bio }: Profile): Promise<void> {
  await work.sql.run(
    `update identity.member set nickname = $2, birth_on = $3, bio = $4, version = version + 1 where id = $1`,
    [id, nickname, birthOn, bio],
  )
}
