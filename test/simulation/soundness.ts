import assert from 'node:assert/strict'
import { type Difference, verifyLedger } from '#modules/ledger'
import type { House } from '../harness.ts'
import { assertAgreement } from '../ledger-house.ts'

/** Fails unless lots, balances and statements agree, as a test adds them up and as the ledger's own verification does. */
export async function assertSound(house: House): Promise<void> {
  await assertAgreement(house)
  const differences: Difference[] = []
  await verifyLedger(house.database, { onDifference: (difference) => void differences.push(difference) })
  assert.deepEqual(differences, [])
}
