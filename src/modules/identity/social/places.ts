import type { Config } from '#platform/config'
import type { ProviderName } from './provider.ts'
import type { ProviderPlace } from './social.ts'

/** The providers' own addresses. */
const published: Readonly<Record<ProviderName, { url: string; apiUrl: string }>> = {
  kakao: { url: 'https://kauth.kakao.com', apiUrl: 'https://kapi.kakao.com' },
  naver: { url: 'https://nid.naver.com', apiUrl: 'https://openapi.naver.com' },
  google: { url: 'https://accounts.google.com', apiUrl: 'https://openidconnect.googleapis.com' },
}

/**
 * Where the providers are: their own addresses, or those of the settings, where a client is given; else the stand-in,
 * where there is one; else nowhere.
 */
export function findPlaces(
  config: Config,
  standIn: (name: ProviderName) => ProviderPlace | null = () => null,
): Record<ProviderName, ProviderPlace | null> {
  const { kakaoClientId, kakaoClientSecret, kakaoUrl } = config
  const { naverClientId, naverClientSecret, naverUrl } = config
  const { googleClientId, googleClientSecret, googleUrl } = config
  const place = (name: ProviderName, given: { id: string | null; secret: string | null; url: string | null }) => {
    const { id: clientId, secret: clientSecret, url } = given
    if (clientId === null || clientSecret === null) return standIn(name)
    const isPublished = url === null || url === published[name].url
    return { clientId, clientSecret, ...(isPublished ? published[name] : { url, apiUrl: url }) }
  }
  return {
    kakao: place('kakao', { id: kakaoClientId, secret: kakaoClientSecret, url: kakaoUrl }),
    naver: place('naver', { id: naverClientId, secret: naverClientSecret, url: naverUrl }),
    google: place('google', { id: googleClientId, secret: googleClientSecret, url: googleUrl }),
  }
}
