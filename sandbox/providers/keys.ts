import { createHmac, randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { Fault } from './faults.ts'

/** Signs ID tokens with RS256, as Kakao and Google do. */
export interface Keys {
  sign(claims: JWTPayload, fault: Fault | null): Promise<string>
  /** The public keys as a JSON Web Key Set. */
  published(): Promise<{ keys: JWK[] }>
}

interface Key {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

/** Keys that are made when they are first asked for, and changed when a fault asks for it. */
export function openKeys(): Keys {
  let making: Promise<Key> | undefined
  const current = () => {
    making ??= makeKey()
    return making
  }
  return {
    async sign(claims, fault) {
      if (fault === 'rotated-key') making = undefined
      const { kid, privateKey, jwk } = await current()
      if (fault === 'unsigned-token') return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`
      if (fault === 'hmac-token') {
        const text = `${encode({ alg: 'HS256', kid })}.${encode(claims)}`
        return `${text}.${createHmac('sha256', JSON.stringify(jwk)).update(text).digest('base64url')}`
      }
      const other = fault === 'unknown-key' || fault === 'forged-key' ? await makeKey() : null
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: fault === 'unknown-key' ? other!.kid : kid })
        .sign(other?.privateKey ?? privateKey)
    },
    async published() {
      return { keys: [(await current()).jwk] }
    },
  }
}

async function makeKey(): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomUUID()
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
