export { companiesActs } from './acts.ts'
export {
  type Company,
  type CompanyMember,
  createCompany,
  createCompanyMember,
  createCompanyMembers,
  findCompanies,
  findRoles,
  getCompany,
  isMember,
  listOwnerIds,
  type NewCompany,
  type NewCompanyMember,
  type Role,
} from './companies.ts'
export { findAskers } from './hearers.ts'
export { leavingRoutes } from './leaving-routes.ts'
export { keepQueuingKnown, type Queuing } from './overload.ts'
export { companiesProblems } from './problems.ts'
export { registrationNumberFormat } from './registration-number.ts'
export { readCompanyId } from './rights.ts'
export { companiesRoutes } from './routes.ts'
