import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from './metrics.ts'

test('what cannot be had in time is no number, and nobody who watches waits for it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const metrics = openMetrics({ withProcess: false })
  const never = () => new Promise<never>(() => {})
  metrics.gauge('hanging', 'Of a database that hangs.', never)
  metrics.gauges('hanging_too', 'The same.', { label: 'of', read: never })
  metrics.gauge('there', 'What is there.', async () => 1)
  const text = metrics.text()
  t.mock.timers.tick(1_000)
  const numbers = (await text).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  assert.deepEqual(numbers.slice(-2), ['podo_hanging Nan', 'podo_there 1'])
})
