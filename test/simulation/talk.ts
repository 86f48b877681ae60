import assert from 'node:assert/strict'
import type { Subscriber } from '#platform/events/delivery'
import { emit } from '#platform/events/events'
import { newId } from '#platform/ids'
import { system } from '#platform/work'
import { type House, until } from '../harness.ts'
import { testEvents } from '../test-events.ts'

/** Things said with `emit` and spends, of a few keys each; whoever hears them writes down which, and when. */
export interface Talk {
  /** Waits until both ears have their places: from then on they hear everything. */
  isListenedTo(): Promise<unknown>
  /** One writer's turn: says three things of one key, in a transaction that begins and ends at odd times. */
  say(): Promise<void>
  /** How much has happened and how much was heard of it, by all ears. */
  count(): Promise<{ happened: number; heard: number }>
  /** Waits until as much was heard as happened. */
  allHeard(): Promise<unknown>
  /** Fails unless all that happened is heard, once, in the order in which it happened to each key. */
  assertHeardOnce(): Promise<void>
}

const keysMax = 20

/** Who listens to one type, wherever it runs. */
export function earFor(type: 'test.said' | 'points.spent'): Subscriber {
  const name = `ear for ${type}`
  return {
    name,
    types: [type],
    async handle(work, events) {
      const ids = events.map(({ id }) => id)
      work.sql.send('insert into heard (ear, event_id) select $1, unnest($2::uuid[])', [name, ids])
      // So that who is killed is mostly killed in the middle of it.
      await work.sql.rows('select pg_sleep(random() * 0.05)')
    },
  }
}

/** Talk in this house: `withWork` of it says things, its wallets are spent from by whoever can. */
export async function openTalk({ withWork, ownerSql }: House, walletIds: readonly string[]): Promise<Talk> {
  const keys = Array.from({ length: keysMax }, newId)
  await ownerSql.run('create table heard (at bigserial, ear text, event_id uuid)')
  await ownerSql.run('create table said (key uuid primary key, last int not null default 0)')
  await ownerSql.run('grant insert on heard to podo_service')
  await ownerSql.run('grant usage on sequence heard_at_seq to podo_service')
  await ownerSql.run('grant select, update on said to podo_service')
  await ownerSql.run('insert into said (key) select unnest($1::uuid[])', [keys])

  const count: Talk['count'] = async () => {
    const rows = await ownerSql.rows<{ happened: number; heard: number }>(
      `select (select sum(last)::int from said) + count(*)::int as happened, (select count(*) from heard) as heard
       from ledger.transfer where kind = 'spend' and payer_id = any($1::uuid[])`,
      [walletIds],
    )
    return rows[0]!
  }
  const allHeard = () =>
    until(
      'all was heard',
      async () => {
        const { happened, heard } = await count()
        return heard >= happened
      },
      { timeoutMs: 60_000 },
    )
  return {
    isListenedTo: () =>
      until('there were ears', async () => {
        const ears = await ownerSql.rows(`select from platform.subscription where name like 'ear %'`)
        return ears.length === 2
      }),
    say: () =>
      withWork(system, async (work) => {
        const pause = () => work.sql.rows('select pg_current_xact_id(), pg_sleep(random() * 0.05)')
        const key = keys[Math.floor(Math.random() * keys.length)]!
        await pause()
        const rows = await work.sql.rows<{ last: number }>(
          'update said set last = last + 3 where key = $1 returning last',
          [key],
        )
        for (const left of [2, 1, 0]) emit(work, { kind: testEvents.said, key, data: { said: rows[0]!.last - left } })
        await pause()
      }),
    count,
    allHeard,
    async assertHeardOnce() {
      await allHeard()
      // A wallet is charged first, and nothing but spent from after that.
      const misplaced = await ownerSql.rows(
        `with heard_as as (
           select coalesce(t.payer_id, o.key) as key, coalesce(t.payer_seq - 1, (o.data->>'said')::bigint) as place,
             row_number() over (partition by coalesce(t.payer_id, o.key) order by h.at) as heard_as
           from heard h left join platform.outbox o on o.id = h.event_id
             left join ledger.transfer t on t.id = h.event_id
         )
         select * from heard_as where place is distinct from heard_as limit 10`,
      )
      assert.deepEqual(misplaced, [])
      const { happened, heard } = await count()
      assert.equal(heard, happened)
    },
  }
}
