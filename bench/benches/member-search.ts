import { openMemberSearch } from '#modules/identity'
import { type Database, openDatabase } from '#platform/database'
import type { Bench, Measure } from '../bench.ts'
import { drive, toMeasure } from '../load.ts'
import { drawing, plantPeople, textsOf } from '../members.ts'
import { alternate } from '../rounds.ts'
import type { Seed } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'

const members = 500_000
const callers = 2
const pageSize = 20
const texts = 2_000

const seed: Seed = {
  name: 'members',
  async plant({ owner }) {
    await plantPeople(owner.sql, members)
    await owner.sql.run('vacuum (freeze, analyze) identity.member')
  },
}

export const memberSearch: Bench = {
  name: 'member-search',
  compares: 'searches for two characters among 500,000 members ÷ a plain like with the same ranking',
  must: 10,
  goal: 50,
  async run(stage) {
    const [one, two] = [drawTexts(1), drawTexts(2)]
    const sides = await stage.withGround(seed, (ground) =>
      alternate(stage, {
        'two characters': () => measure(stage, { ground, texts: two, find: findBySearch }),
        'one character': () => measure(stage, { ground, texts: one, find: findBySearch }),
        'plain like': () => measure(stage, { ground, texts: two, find: findByLike }),
      }),
    )
    const within = (side: keyof typeof sides, ms: number) => ({
      says: `99 of 100 searches for ${side} take at most ${ms} ms`,
      holds: (sides[side].p99Ms ?? Number.POSITIVE_INFINITY) <= ms,
    })
    return {
      ratio: sides['two characters'].rate / sides['plain like'].rate,
      sides,
      figures: [],
      notes: [`${callers} callers; no page comes from memory`],
      musts: [within('two characters', 20), within('one character', 100)],
    }
  },
}

type Find = (database: Database) => (text: string) => Promise<unknown>

async function measure(stage: Stage, on: { ground: Ground; texts: readonly string[]; find: Find }): Promise<Measure> {
  const database = openDatabase({ url: on.ground.url, poolSize: callers })
  const find = on.find(database)
  let next = 0
  const sample = await drive({
    callers,
    warmUpSeconds: stage.warmUpSeconds,
    seconds: stage.seconds,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
    call() {
      next += 1
      return find(on.texts[next % on.texts.length]!)
    },
  })
  await database.close()
  return toMeasure([sample])
}

/** After a place before everybody, so that no page is one that was kept. */
const beginning = { rank: 0, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' } as const

const findBySearch: Find = (database) => {
  const search = openMemberSearch(database)
  return (text) => search.find({ audience: 'people', text, after: beginning, limit: pageSize + 1 })
}

/** The obvious way to the same page. */
const findByLike: Find = (database) => (text) =>
  database.sql.rows(
    `select id, nickname, bio, created_at from identity.member
     where company_id is null and left_at is null and (nickname like '%' || $1 || '%' or bio like '%' || $1 || '%')
     order by case when nickname = $1 then 0 when nickname like $1 || '%' then 1
       when nickname like '%' || $1 || '%' then 2 else 3 end, id desc
     limit $2`,
    [text.replaceAll(/[\\%_]/g, '\\$&'), pageSize + 1],
  )

/** Half as often as they stand in texts, the very common ones among them; half each as often as any other. */
function drawTexts(length: number): string[] {
  const draw = drawing(42)
  const found = Array.from({ length: 20_000 }, () => textsOf(draw(members))).flatMap(({ nickname, bio }) =>
    [nickname, bio ?? ''].flatMap((text) => {
      const letters = [...text]
      return letters
        .map((_, at) => letters.slice(at, at + length).join(''))
        .filter((it) => [...it.trim()].length === length)
    }),
  )
  const distinct = [...new Set(found)]
  const from = (list: readonly string[]) => list[draw(list.length)]!
  return Array.from({ length: texts }, (_, n) => from(n % 2 === 0 ? found : distinct))
}
