/** The database, or a service, being away: many notice it, again and again, and it is told once. */
export interface Outage<Reason = Error> {
  /** Told if nobody has noticed since somebody last reached it. */
  noticed(reason: Reason): void
  reached(): void
}

/** Calls `tell` with what the first one noticed, once for each outage. */
export function openOutage<Reason = Error>(tell: (reason: Reason) => void): Outage<Reason> {
  let isOn = false
  return {
    noticed(reason) {
      if (isOn) return
      isOn = true
      tell(reason)
    },
    reached() {
      isOn = false
    },
  }
}
