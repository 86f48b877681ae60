/** Where points come from and go to when they enter or leave the programme; made by the migration. */
export const systemAccounts = {
  issuance: '00000000-0000-7000-8000-000000000001',
  expired: '00000000-0000-7000-8000-000000000002',
  adjustments: '00000000-0000-7000-8000-000000000003',
  payout: '00000000-0000-7000-8000-000000000004',
} as const
