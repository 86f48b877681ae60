import { hotSeed } from '../seed.ts'
import type { Choice } from './choice.ts'
import { measureKeys, plantKeys } from './keys.ts'

/** Whether the table of keys is cut by their hash. */
export const keyPartitions: Choice = {
  name: 'table of keys',
  counts: 'keys stored',
  chosen: 'eight partitions',
  play: (stage, compare) =>
    stage.withGround(hotSeed, (cut) =>
      stage.withGround(hotSeed, async (whole) => {
        for (const change of asOneTable) await whole.owner.sql.run(change)
        for (const { owner } of [cut, whole]) await plantKeys(owner.sql, stage.transfersPresent / 5)
        await compare({
          'eight partitions': () => measureKeys(stage, { ground: cut, batches }),
          'one table': () => measureKeys(stage, { ground: whole, batches }),
        })
      }),
    ),
}

const batches = 80

const asOneTable = [
  'create table platform.whole (like platform.idempotency_key)',
  'drop table platform.idempotency_key',
  'alter table platform.whole rename to idempotency_key',
  'grant select, insert on platform.idempotency_key to podo_service',
]
