import Type from 'typebox'
import { closedObject, instant, nullable, oneOf, publicId } from '#platform/http-schema'
import { toPublicId } from '#platform/ids'
import type { Person } from './accounts/accounts.ts'
import { passwordLengthMax, passwordLengthMin } from './accounts/password-rules.ts'

export const email = Type.String({ format: 'email', maxLength: 254, examples: ['grape@example.com'] })
export const nickname = Type.String({
  'x-text': 'line',
  format: 'nickname',
  maxLength: 50,
  description: '2 to 20 characters of one script, Hangul, Han and Latin together; nobody else who signs in has it.',
  examples: ['포도송이'],
})
export const birthOn = Type.String({
  format: 'date',
  description: 'From 1900 to today.',
  examples: ['2001-05-05'],
})
export const bio = Type.String({ 'x-text': 'lines', maxLength: 500, examples: ['커피와 챌린지를 좋아해요.'] })
export const password = Type.String({
  minLength: 1,
  maxLength: passwordLengthMax,
  examples: ['보라색 포도 다섯 송이'],
})
/** What changes how one signs in takes it. */
export const currentPasswordField = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: passwordLengthMax,
    description: 'Needed by whoever has one; whoever has none signed in within the last ten minutes.',
    examples: ['보라색 포도 다섯 송이'],
  }),
)
export const newPassword = Type.String({
  minLength: passwordLengthMin,
  maxLength: passwordLengthMax,
  description: `${passwordLengthMin} characters at least, of any kind; neither common nor made of one's own data.`,
  examples: ['보라색 포도 다섯 송이'],
})

/** What somebody has to have who signs in. */
export const newPersonSchema = closedObject({ email, nickname, password: newPassword })

/** A person who signs in, as that person sees it. */
export const personSchema = Type.Object({
  id: publicId('mem'),
  nickname,
  email: nullable(Type.String({ examples: ['grape@example.com'] })),
  emailConfirmedAt: nullable(instant),
  birthOn: nullable(birthOn),
  bio: nullable(bio),
  role: oneOf(['USER', 'ADMIN'] as const),
  wallet: Type.Object({ id: publicId('wlt') }),
  createdAt: instant,
})

/** A person as that person sees it. */
export function toPersonBody({ member, confirmedAt }: Person) {
  return {
    id: toPublicId('mem', member.id),
    nickname: member.nickname,
    email: member.email,
    emailConfirmedAt: confirmedAt?.toISOString() ?? null,
    birthOn: member.birthOn,
    bio: member.bio,
    role: member.isAdmin ? ('ADMIN' as const) : ('USER' as const),
    wallet: { id: toPublicId('wlt', member.walletId) },
    createdAt: member.createdAt.toISOString(),
  }
}
