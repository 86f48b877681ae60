/** The database being away: many notice it, again and again, and it is told once. */
export interface Outage {
  /** Told if nobody has noticed since somebody last reached the database. */
  noticed(error: Error): void
  reached(): void
}

/** Calls `tell` with what the first one noticed, once for each outage. */
export function openOutage(tell: (error: Error) => void): Outage {
  let isOn = false
  return {
    noticed(error) {
      if (isOn) return
      isOn = true
      tell(error)
    },
    reached() {
      isOn = false
    },
  }
}
