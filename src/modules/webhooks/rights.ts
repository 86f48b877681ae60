/** Who decides where a company hears of events, and who looks. */
export const endpointManagers = ['operator', 'company-owner', 'key:webhooks'] as const
export const endpointReaders = ['operator', 'admin', 'company-owner', 'key:webhooks'] as const
