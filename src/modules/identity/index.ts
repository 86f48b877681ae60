export {
  type ApiKey,
  createApiKey,
  isApiKeySecret,
  type Keyring,
  listApiKeys,
  type MadeApiKey,
  openKeyring,
  revokeApiKey,
  rotateApiKey,
  scopes,
} from './api-keys/api-keys.ts'
export { createMembers, findMembers, findMembersByExternalId, type Member, type NewMember } from './identity.ts'
export { identityProblems } from './problems.ts'
