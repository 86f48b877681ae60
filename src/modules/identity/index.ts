export { createMembers, findMembers, findMembersByExternalId, type Member, type NewMember } from './identity.ts'
export { identityProblems } from './problems.ts'
