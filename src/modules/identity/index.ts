export {
  findMailAddresses,
  findPeopleIds,
  findPersonByAddress,
  lockPerson,
  type Person,
  prepareSignUp,
} from './accounts/accounts.ts'
export { nicknameFormat } from './accounts/names.ts'
export { openPasswords, type PasswordCost } from './accounts/passwords.ts'
export { identityActs } from './acts.ts'
export {
  type ApiKey,
  createApiKey,
  getApiKey,
  type Keyring,
  listApiKeys,
  type MadeApiKey,
  openKeyring,
  revokeApiKey,
  rotateApiKey,
  type Scope,
  scopes,
} from './api-keys/api-keys.ts'
export { countMembers, type MemberCounts, type MemberDay } from './counts/counts.ts'
export { createMembers, findMembers, findMembersByExternalId, type Member, type NewMember } from './identity.ts'
export { nightlyTidying } from './jobs.ts'
export { type Leaver, type LeavingOptions, leave, prepareLeaving } from './leaving.ts'
export { mailJob } from './links/links.ts'
export { openPeople, type People } from './people.ts'
export { identityProblems } from './problems.ts'
export { changeProgrammeRole, createAdmin } from './roles.ts'
export { identityRoutes } from './routes.ts'
export { currentPasswordField, newPersonSchema } from './schemas.ts'
export {
  type Found,
  type FoundPlace,
  keepSearchesFresh,
  type MemberSearch,
  openMemberSearch,
  type Rank,
  searchAgeMaxSeconds,
} from './search/search.ts'
export { isSessionOpen } from './sessions/sessions.ts'
export { areStillLetIn, findCaller, recallCaller } from './sign-in.ts'
export { findPlaces } from './social/places.ts'
export { socialProblems } from './social/problems.ts'
