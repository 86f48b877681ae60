import { defineActs } from '#platform/audit'

/** What identity writes into the audit log. */
export const identityActs = defineActs(
  'changeMemberRole',
  'createAdmin',
  'createApiKey',
  'endMemberSessions',
  'revokeApiKey',
  'rotateApiKey',
)
