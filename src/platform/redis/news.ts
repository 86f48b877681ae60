import { type News, openEars } from '../news.ts'
import type { Redis } from './connection.ts'

/** News by publishing and subscribing; while Redis is away they go another way. */
export function openRedisNews(redis: Redis, by: { readonly prefix: string; readonly otherwise: News }): News {
  const { otherwise } = by
  const ears = openEars()
  const channel = `${by.prefix}news`
  let isHearing = false

  const listen = () => {
    const client = redis.another()
    client.on('message', (_channel, message) => ears.dispatch(message))
    client.on('ready', async () => {
      await client.subscribe(channel).then(ears.tellGap, () => client.disconnect(true))
    })
    isHearing = true
  }
  return {
    async tell(topic, text) {
      const heard = await redis.ask((client) => client.publish(channel, `${topic} ${text}`))
      if (typeof heard !== 'number') await otherwise.tell(topic, text)
    },
    hear(topic, ear) {
      ears.hear(topic, ear)
      otherwise.hear(topic, ear)
      if (!isHearing) listen()
    },
    onGap(ear) {
      ears.onGap(ear)
      otherwise.onGap(ear)
    },
    close: otherwise.close,
  }
}
