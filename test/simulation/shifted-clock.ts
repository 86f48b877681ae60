/**
 * Loaded before a process (`--import`), this sets its clock as whoever started it says, again and again: a message says
 * how many milliseconds the clock is ahead from then on, and it answers what time it is by that.
 */
const real = Date
let aheadMs = Number(process.env.CLOCK_AHEAD_MS ?? 0)

const now = () => real.now() + aheadMs

globalThis.Date = new Proxy(real, {
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: () => new real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})

process.on('message', ({ aheadMs: told }: { aheadMs: number }) => {
  aheadMs = told
  process.send!({ nowMs: Date.now() })
})
// Who waits for messages only has nothing to do.
process.channel!.unref()
