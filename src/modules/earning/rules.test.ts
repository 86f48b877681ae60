import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findDueBack, findEarned, findRule, type RuleVersion, type Terms } from './rules.ts'

const points = fc.oneof(
  fc.integer({ min: 1, max: 100_000 }),
  fc.maxSafeInteger().filter((n) => n > 0),
)
const rate = fc.integer({ min: 1, max: 10_000 })
const terms = (more: Partial<Terms>): Terms => ({
  rateBasisPoints: 100,
  minimum: null,
  capPerDay: null,
  expiresInDays: null,
  from: null,
  until: null,
  ...more,
})

test('never more is earned than the rate says, rounded down, and never a whole point less', () => {
  fc.assert(
    fc.property(points, rate, (base, rateBasisPoints) => {
      const earned = findEarned(terms({ rateBasisPoints }), { base, earnedThatDay: 0 })
      const exact = BigInt(base) * BigInt(rateBasisPoints)
      assert.ok(BigInt(earned) * 10_000n <= exact && exact < BigInt(earned + 1) * 10_000n)
    }),
  )
  assert.equal(findEarned(terms({ rateBasisPoints: 150 }), { base: 199, earnedThatDay: 0 }), 2)
})

test('nothing is earned below the minimum, and no day earns more than its cap, whatever is paid in it', () => {
  fc.assert(
    fc.property(fc.array(points, { maxLength: 20 }), rate, points, points, (bases, rateBasisPoints, cap, minimum) => {
      let earnedThatDay = 0
      for (const base of bases) {
        const earned = findEarned(terms({ rateBasisPoints, capPerDay: cap, minimum }), { base, earnedThatDay })
        assert.ok(earned >= 0 && (base >= minimum || earned === 0))
        earnedThatDay += earned
      }
      assert.ok(earnedThatDay <= cap)
    }),
  )
  assert.equal(findEarned(terms({ capPerDay: 10 }), { base: 5_000, earnedThatDay: 30 }), 0)
})

test('refunds in any parts take back no more than was earned, and all of it that is left once all is refunded', () => {
  fc.assert(
    fc.property(
      points,
      rate,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
      fc.infiniteStream(fc.boolean()),
      run,
    ),
  )

  function run(base: number, rateBasisPoints: number, cuts: readonly number[], isThere: Iterator<boolean>): void {
    const earned = findEarned(terms({ rateBasisPoints }), { base, earnedThatDay: 0 })
    let takenBack = 0
    let missed = false
    const totals = cuts.map((cut) => Math.floor(base * cut)).toSorted((one, other) => one - other)
    for (const refunded of [...totals, base]) {
      const due = findDueBack({ base, refunded, earned, takenBack })
      assert.ok(due >= 0 && BigInt(takenBack + due) * BigInt(base) <= BigInt(earned) * BigInt(refunded))
      // Now and then the points have been spent meanwhile: what is missed is due with the next refund.
      missed = !isThere.next().value && refunded < base
      if (!missed) takenBack += due
    }
    assert.equal(takenBack, earned)
  }
})

test('what is away when it is due is had as soon as it is back, and never more than is due', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('refund' as const), part }),
    // Held or spent; released or refunded.
    fc.record({ kind: fc.constant('leave' as const), part }),
    fc.record({ kind: fc.constant('return' as const), part }),
  )
  fc.assert(
    fc.property(points, rate, fc.array(step, { maxLength: 30 }), (base, rateBasisPoints, steps) => {
      const earned = findEarned(terms({ rateBasisPoints }), { base, earnedThatDay: 0 })
      let [refunded, takenBack, away] = [0, 0, 0]
      const take = () => {
        const due = findDueBack({ base, refunded, earned, takenBack })
        takenBack += Math.min(due, earned - takenBack - away)
        return due
      }
      for (const { kind, part } of steps) {
        const free = earned - takenBack - away
        if (kind === 'refund') refunded += Math.floor((base - refunded) * part)
        else if (kind === 'leave') away += Math.floor(free * part)
        else away -= Math.floor(away * part)
        take()
        assert.ok(takenBack + away <= earned)
        assert.ok(BigInt(takenBack) * BigInt(base) <= BigInt(earned) * BigInt(refunded))
      }
      away = 0
      take()
      assert.equal(BigInt(takenBack), (BigInt(earned) * BigInt(refunded)) / BigInt(base))
      assert.equal(take(), 0)
    }),
  )
})

const day = (n: number) => new Date(Date.UTC(2026, 10, n))
const version = (more: Partial<RuleVersion>): RuleVersion => ({
  ...terms({}),
  ruleId: 'a',
  companyId: null,
  version: 1,
  since: day(1),
  ...more,
})

test('a rule counts as it was when something was paid, from when it was made, and between its dates', () => {
  const versions = [version({}), version({ version: 2, since: day(10), from: day(12), until: day(20) })]
  const at = (n: number) => findRule(versions, { companyId: 'x', at: day(n) })?.version
  assert.deepEqual([0, 1, 9, 10, 12, 19, 20].map(at), [undefined, 1, 1, undefined, 2, 2, undefined])
  assert.equal(findRule(versions.toReversed(), { companyId: 'x', at: day(12) })?.version, 2)
})

test('a company’s own rule goes before the programme’s, and of several the one that was made last', () => {
  const versions = [
    version({ ruleId: 'c' }),
    version({ ruleId: 'a', companyId: 'x' }),
    version({ ruleId: 'b', companyId: 'x', until: day(5) }),
    version({ ruleId: 'd', companyId: 'y' }),
  ]
  const at = (companyId: string, n: number) => findRule(versions, { companyId, at: day(n) })?.ruleId
  assert.deepEqual([at('x', 4), at('x', 5), at('y', 4), at('z', 4)], ['b', 'a', 'd', 'c'])
})
