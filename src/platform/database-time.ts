/** What time it was by the clock of the database when the clock of this process, which only grows, stood at nothing. */
let originMs: number | null = null

/** Notes what time the database says that it is: it was so a little before it is heard, and so the latest counts. */
export function noteDatabaseTime(nowMs: number): void {
  originMs = Math.max(originMs ?? Number.NEGATIVE_INFINITY, nowMs - performance.now())
}

/**
 * Milliseconds since 1970 by the clock of the database, as far as this process knows it from its connections; by the
 * machine's own before the first. For what is compared with nothing that the database has written, or only roughly.
 */
export function databaseNowMs(): number {
  return Math.floor(originMs === null ? Date.now() : originMs + performance.now())
}

/** The same as a Date. */
export function databaseNow(): Date {
  return new Date(databaseNowMs())
}

/** How far the clock of the database is ahead of the machine's, for what can be told nothing else; in seconds. */
export function machineLagSeconds(): number {
  return Math.round((databaseNowMs() - Date.now()) / 1_000)
}
