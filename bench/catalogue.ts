import type { Bench } from './bench.ts'
import { asyncSpends } from './benches/async-spends.ts'
import { batch } from './benches/batch.ts'
import { choices } from './benches/choices.ts'
import { client } from './benches/client.ts'
import { hotPathTax } from './benches/hot-path-tax.ts'
import { httpHot, httpSpread } from './benches/http-hot.ts'
import { identity } from './benches/identity.ts'
import { kafka } from './benches/kafka.ts'
import { layout } from './benches/layout.ts'
import { ledgerFloor } from './benches/ledger-floor.ts'
import { ledgerGrowth } from './benches/ledger-growth.ts'
import { ledgerHot, ledgerSpread } from './benches/ledger-hot.ts'
import { ledgerLots } from './benches/ledger-lots.ts'
import { ledgerProcesses, ledgerProcessesSpread } from './benches/ledger-processes.ts'
import { limits } from './benches/limits.ts'
import { memberSearch } from './benches/member-search.ts'
import { redisDown } from './benches/redis-down.ts'
import { relay } from './benches/relay.ts'
import { retryQueue } from './benches/retry-queue.ts'
import { walletRead } from './benches/wallet-read.ts'

export const benches: readonly Bench[] = [
  ledgerHot,
  ledgerSpread,
  ledgerFloor,
  ledgerProcesses,
  ledgerProcessesSpread,
  ledgerLots,
  ledgerGrowth,
  httpHot,
  httpSpread,
  asyncSpends,
  batch,
  walletRead,
  memberSearch,
  identity,
  relay,
  kafka,
  retryQueue,
  hotPathTax,
  limits,
  redisDown,
  layout,
  client,
  choices,
]
