import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Brokers, type BrokersOptions, openBrokers } from '#sandbox/kafka/brokers'
import type { Scope } from '../harness.ts'

/** Starts a Kafka for this scope: some seconds and 400 MB for each broker, so one for a file at most. */
export async function openKafka(scope: Scope, options: BrokersOptions = {}): Promise<Brokers> {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-'))
  const kafka = await openBrokers(folder, options)
  scope.after(async () => {
    await kafka.kill()
    await rm(folder, { recursive: true, force: true })
  })
  return kafka
}
