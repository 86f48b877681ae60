import type { Bench } from './bench.ts'
import { ledgerFloor } from './benches/ledger-floor.ts'
import { ledgerHot, ledgerSpread } from './benches/ledger-hot.ts'

export const benches: readonly Bench[] = [ledgerHot, ledgerSpread, ledgerFloor]
