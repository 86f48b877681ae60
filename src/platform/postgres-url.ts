/** What a session must be like (libpq's `target_session_attrs`, documentation 34.1.2). */
export const sessionWishes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type SessionWish = (typeof sessionWishes)[number]

/** The address of a database on one or several hosts. */
export interface PostgresUrl {
  /** The address on each host by itself, in the order in which they stand. */
  readonly each: readonly [string, ...string[]]
  /** Of several hosts the one that takes writes, where nothing is said: Podo writes. */
  readonly wish: SessionWish
  /** Hosts and database, to be shown. */
  readonly place: string
  readonly username: string
  readonly password: string
}

const shape = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s

/** Reads `postgres://user:password@db1:5432,db2:5432/podo?target_session_attrs=read-write`, as libpq writes it; else null. */
export function parsePostgresUrl(text: string): PostgresUrl | null {
  const [, login, places, rest] = shape.exec(text) ?? []
  if (login === undefined || places === undefined || rest === undefined) return null
  const hosts = places.split(',')
  const each = hosts.map((host) => `${login}${host}${rest}`) as [string, ...string[]]
  if (!each.every((one) => URL.canParse(one)) || (hosts.length > 1 && hosts.includes(''))) return null
  const urls = each.map((one) => new URL(one))
  const { username, password, pathname, searchParams } = urls[0]!
  const wish = searchParams.get('target_session_attrs') ?? (hosts.length > 1 ? 'read-write' : 'any')
  if (!isWish(wish)) return null
  const place = urls.map(({ hostname, port }) => `${decodeURIComponent(hostname)}:${port || defaultPort}`).join()
  return { each, wish, place: `${place}${pathname}`, username, password }
}

/** Whether a text is the address of a PostgreSQL. */
export function isPostgresUrl(text: string): boolean {
  return parsePostgresUrl(text) !== null
}

export const defaultPort = 5432

function isWish(text: string): text is SessionWish {
  return (sessionWishes as readonly string[]).includes(text)
}
