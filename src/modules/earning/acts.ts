import { defineActs } from '#platform/audit'

/** What earning writes into the audit log. */
export const earningActs = defineActs('changeEarningRule', 'createEarningRule')
