import type { FastifyPluginAsync } from 'fastify'
import { basePath, openProviders, type ProviderName } from './index.ts'
import { providerRoutes } from './server.ts'

/** Stand-ins inside the service that signs people in through them. */
export interface InsideProviders {
  readonly routes: FastifyPluginAsync
  /** Where a stand-in is, what it knows the service by, and how it is called without the network. */
  placeOf(name: ProviderName): {
    url: string
    apiUrl: string
    clientId: string
    clientSecret: string
    fetch: typeof fetch
  }
}

/** `origin` is where people reach the service; the secrets are what every process of it makes alike. */
export function openInside({
  origin,
  secretOf,
}: {
  origin: string
  secretOf(name: ProviderName): string
}): InsideProviders {
  const clientId = 'podo'
  const clientOf = (name: ProviderName) => ({
    id: clientId,
    secret: secretOf(name),
    redirectUri: `${origin}/sign-in/${name}`,
  })
  const clients = { kakao: clientOf('kakao'), naver: clientOf('naver'), google: clientOf('google') }
  const providers = openProviders(clients)
  return {
    routes: providerRoutes(providers, origin),
    placeOf(name) {
      const url = origin + basePath(name)
      const { secret: clientSecret } = clients[name]
      const answer: typeof fetch = (input, init) => providers.handle(new Request(input, init))
      return { url, apiUrl: url, clientId, clientSecret, fetch: answer }
    },
  }
}
