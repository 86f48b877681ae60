import { createHmac, hkdfSync } from 'node:crypto'
import { decryptSecret, encryptSecret } from './secrets.ts'

/** What keeps from whoever only sees the database what it holds: keys made of the process's secret, one a purpose. */
export interface Sealing {
  /** A text that only `open` with the same purpose and secret reads. */
  seal(purpose: string, text: string): string
  /** Null where the secret is another, or the text was changed. */
  open(purpose: string, sealed: string): string | null
  /** 32 bytes that nobody can tell without the secret. */
  mac(purpose: string, text: string): Buffer
}

/** Keys by HKDF-SHA256 (RFC 5869) from a secret of at least 32 random bytes. */
export function openSealing(secret: string | Buffer): Sealing {
  const keys = new Map<string, Buffer>()
  const keyOf = (purpose: string): Buffer => {
    const known = keys.get(purpose)
    if (known) return known
    const key = Buffer.from(hkdfSync('sha256', secret, '', `podo ${purpose}`, 32))
    keys.set(purpose, key)
    return key
  }
  return {
    seal: (purpose, text) => encryptSecret(text, keyOf(purpose)),
    open: (purpose, sealed) => decryptSecret(sealed, keyOf(purpose)),
    mac: (purpose, text) => createHmac('sha256', keyOf(purpose)).update(text).digest(),
  }
}
