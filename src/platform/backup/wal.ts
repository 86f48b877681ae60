/** A stretch of the write-ahead log: the file that PostgreSQL keeps it in. */
export interface Segment {
  readonly timeline: number
  /** Counted from the beginning of the log. */
  readonly number: number
}

/** The bytes of log that stand before a place like `1/2A000028`. */
export function bytesBefore(lsn: string): number {
  const [high, low] = lsn.split('/')
  return Number.parseInt(high!, 16) * 2 ** 32 + Number.parseInt(low!, 16)
}

/** As PostgreSQL names the file. */
export function nameOfSegment({ timeline, number }: Segment, segmentBytes: number): string {
  const perName = 2 ** 32 / segmentBytes
  return [timeline, Math.floor(number / perName), number % perName].map((part) => toHex(part).padStart(8, '0')).join('')
}

/** The segment of a file's name, or null where it is none. */
export function segmentOf(name: string, segmentBytes: number): Segment | null {
  const parts = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(name)?.slice(1)
  if (!parts) return null
  const [timeline, high, low] = parts.map((part) => Number.parseInt(part, 16)) as [number, number, number]
  return { timeline, number: high * (2 ** 32 / segmentBytes) + low }
}

function toHex(number: number): string {
  return number.toString(16).toUpperCase()
}
