import { createHmac, hkdfSync } from 'node:crypto'
import { decryptByAny, decryptSecret, encryptSecret } from './secrets.ts'

/** What keeps from whoever only sees the database what it holds: keys made of the process's secret, one a purpose. */
export interface Sealing {
  /** A text that only `open` with the same purpose and secret reads. */
  seal(purpose: string, text: string): string
  /** Null where the secret was none of ours, or the text was changed. */
  open(purpose: string, sealed: string): string | null
  /** What says the same sealed by the present secret: as it is where it is so already. Null where `open` says null. */
  renew(purpose: string, sealed: string): string | null
  /** 32 bytes that nobody can tell without the secret. */
  mac(purpose: string, text: string): Buffer
  /** The same, and after it what it was by each former secret: what was given out then holds as well. */
  macs(purpose: string, text: string): readonly Buffer[]
}

/**
 * Keys by HKDF-SHA256 (RFC 5869) from secrets of at least 32 random bytes. The present one makes whatever is made; what
 * a former one made is read, and holds.
 */
export function openSealing(secret: string | Buffer, former: readonly (string | Buffer)[] = []): Sealing {
  const known = new Map<string, readonly Buffer[]>()
  const keysOf = (purpose: string): readonly Buffer[] => {
    const found = known.get(purpose)
    if (found) return found
    const keys = [secret, ...former].map((each) => Buffer.from(hkdfSync('sha256', each, '', `podo ${purpose}`, 32)))
    known.set(purpose, keys)
    return keys
  }
  const seal = (purpose: string, text: string) => encryptSecret(text, keysOf(purpose)[0]!)
  const macBy = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  return {
    seal,
    open: (purpose, sealed) => decryptByAny(sealed, keysOf(purpose)),
    renew(purpose, sealed) {
      const [present, ...others] = keysOf(purpose)
      if (decryptSecret(sealed, present!) !== null) return sealed
      const text = decryptByAny(sealed, others)
      return text === null ? null : seal(purpose, text)
    },
    mac: (purpose, text) => macBy(keysOf(purpose)[0]!, text),
    macs: (purpose, text) => keysOf(purpose).map((key) => macBy(key, text)),
  }
}
