import Type from 'typebox'
import type { Caller } from '#platform/access'
import { instant, nullable, publicId } from '#platform/http-schema'
import { toPublicId } from '#platform/ids'
import type { CompanyMember } from './companies.ts'

export const roles = ['OWNER', 'STAFF', 'MEMBER'] as const
const shownRoles = [...roles, 'USER', 'ADMIN'] as const

export const nickname = Type.String({ 'x-text': 'line', minLength: 1, maxLength: 50, examples: ['Grape'] })
export const externalId = Type.String({
  'x-text': 'line',
  minLength: 1,
  maxLength: 100,
  description: 'What the company calls the member; unique within it.',
  examples: ['customer-42'],
})
const wallet = Type.Object({ id: publicId('wlt') })

/** A member; to other people only `id`, `nickname`, `bio` and `createdAt` are shown, and the rest is null. */
export const memberSchema = Type.Object({
  id: publicId('mem'),
  companyId: nullable({
    ...publicId('cmp'),
    description: 'Where the role is: the company that asks or that made the member; null for a person by oneself.',
  }),
  externalId: nullable(externalId),
  nickname,
  email: nullable(Type.String()),
  birthOn: nullable(Type.String({ format: 'date' })),
  bio: nullable(Type.String()),
  role: Type.Unsafe<(typeof shownRoles)[number] | null>({
    type: ['string', 'null'],
    enum: [...shownRoles, null],
    description: 'In the company of `companyId`; without one, in the programme.',
  }),
  wallet: nullable(wallet),
  createdAt: instant,
})

/** A member with everything. */
export function toMemberBody(member: CompanyMember) {
  return {
    id: toPublicId('mem', member.id),
    companyId: member.companyId && toPublicId('cmp', member.companyId),
    externalId: member.externalId,
    nickname: member.nickname,
    email: member.email,
    birthOn: member.birthOn,
    bio: member.bio,
    role: member.companyId === null ? toProgrammeRole(member) : member.role,
    wallet: { id: toPublicId('wlt', member.walletId) },
    createdAt: member.createdAt.toISOString(),
  }
}

/** A member as a company sees one, with the role there: of a person who signed up it sees what everybody does. */
export function toCompanyMemberBody(member: CompanyMember, by: { caller: Caller; companyId: string }) {
  const { actor, isAdmin } = by.caller
  const isOpen = member.companyId !== null || actor.type === 'operator' || isAdmin
  const body = isOpen ? toMemberBody(member) : toPublicBody(member)
  return { ...body, companyId: toPublicId('cmp', by.companyId), role: member.role }
}

/** A person who signs in, as other people see one. */
export function toPublicBody({ id, nickname, bio, createdAt }: CompanyMember) {
  return {
    id: toPublicId('mem', id),
    companyId: null,
    externalId: null,
    nickname,
    email: null,
    birthOn: null,
    bio,
    role: null,
    wallet: null,
    createdAt: createdAt.toISOString(),
  }
}

function toProgrammeRole({ isAdmin, leftAt }: CompanyMember): 'USER' | 'ADMIN' | null {
  if (leftAt !== null) return null
  return isAdmin ? 'ADMIN' : 'USER'
}
