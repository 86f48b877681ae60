/** Links that go by mail, by the mail that has them. */
export const linkKinds = {
  confirmation: { purpose: 'confirmation', page: '/account/confirm', lifeSeconds: 86_400 },
  'password-reset': { purpose: 'password reset', page: '/account/reset', lifeSeconds: 1_800 },
  'email-change': { purpose: 'email change', page: '/account/email', lifeSeconds: 1_800 },
} as const

export const linkPurposes: readonly string[] = Object.values(linkKinds).map(({ purpose }) => purpose)

/** What a link to a new address is bound to: that address, as it was written, and the session that asked. */
export interface AddressChange {
  readonly email: string
  readonly sessionId: string
}

/**
 * Mails of which a member is sent no more than so many in an hour, whoever asks for them, and under what they are
 * counted; what is beyond is dropped without a word.
 */
export const counted = {
  confirmation: { times: 5, purpose: 'confirmation mail' },
  'password-reset': { times: 5, purpose: 'password reset mail' },
  'email-change': { times: 5, purpose: 'email change mail' },
  'sign-up-attempt': { times: 1, purpose: 'sign-up attempt' },
} as const

export const countPurposes: readonly string[] = Object.values(counted).map(({ purpose }) => purpose)
