import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const prefix = 'enc:'
const ivBytes = 12
const tagBytes = 16

/** Whether a setting holds what `encryptSecret` made. */
export function isEncrypted(value: string): boolean {
  return value.startsWith(prefix)
}

/** `enc:` and base64 of nonce, AES-256-GCM ciphertext and tag; `key` has 32 bytes. */
export function encryptSecret(value: string, key: Buffer): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  return (
    prefix + Buffer.concat([iv, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64')
  )
}

/** What `encryptSecret` was given, or null when the key is another or the text was changed. */
export function decryptSecret(encrypted: string, key: Buffer): string | null {
  const bytes = Buffer.from(encrypted.slice(prefix.length), 'base64')
  if (!isEncrypted(encrypted) || bytes.length < ivBytes + tagBytes) return null
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return decipher.update(bytes.subarray(ivBytes, -tagBytes)).toString('utf8') + decipher.final('utf8')
  } catch {
    return null
  }
}

/** What `encryptSecret` was given with one of these keys, or null. */
export function decryptByAny(encrypted: string, keys: readonly Buffer[]): string | null {
  for (const key of keys) {
    const value = decryptSecret(encrypted, key)
    if (value !== null) return value
  }
  return null
}

/** The 32 bytes that a text in base64 or hex stands for, or null when it does not. */
export function parseSecretKey(text: string): Buffer | null {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return null
  return Buffer.from(trimmed, 'base64')
}
