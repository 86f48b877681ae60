import { defineActs } from '#platform/audit'

/** What companies write into the audit log. */
export const companiesActs = defineActs('changeCompany', 'changeRole', 'createCompany', 'endMembership')
