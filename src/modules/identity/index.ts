export { createMember, findMembers, type Member, type NewMember } from './identity.ts'
export { identityProblems } from './problems.ts'
