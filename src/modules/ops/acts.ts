import { defineActs } from '#platform/audit'

/** What operations write into the audit log. */
export const opsActs = defineActs('discardDeadLetter', 'redriveDeadLetter')
