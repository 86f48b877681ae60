import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openPace } from './pace.ts'

/** Looks every 20 ms while so much arrives a second, numbers what it may, and tells how much it was and what is left. */
function play(phases: readonly { perSecond: number; seconds: number }[]) {
  const pace = openPace()
  let [nowMs, left] = [0, 0]
  return phases.map(({ perSecond, seconds }) => {
    let done = 0
    for (const endMs = nowMs + seconds * 1_000; nowMs < endMs; nowMs += 20) {
      const arrived = perSecond / 50
      left += arrived
      const count = Math.min(left, pace.look({ arrived, nowMs }), 10_000)
      left -= count
      done += count
      pace.numbered({ count, hasMore: left > 0 })
    }
    return { perSecond: Math.round(done / seconds), left }
  })
}

describe('the pace of numbering', () => {
  it('keeps up with what arrives while that is no storm', () => {
    assert.deepEqual(play([{ perSecond: 10_000, seconds: 10 }]), [{ perSecond: 10_000, left: 0 }])
  })

  it('stands back in a storm, and has caught up before as much time has passed again', () => {
    const [storm, after] = play([
      { perSecond: 30_000, seconds: 7 },
      { perSecond: 100, seconds: 7 },
    ])
    assert.ok(storm!.perSecond < 8_000, `${storm!.perSecond} a second`)
    assert.equal(after!.left, 0)
  })

  it('lets nothing wait for much more than a minute, however long the storm lasts', () => {
    const [first, second] = play([
      { perSecond: 30_000, seconds: 600 },
      { perSecond: 30_000, seconds: 600 },
    ])
    assert.ok(second!.left / 30_000 < 65)
    assert.ok(second!.left - first!.left < 30_000, 'what waits grows no more')
  })
})
