import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** A broker of our own, until it is stopped or this process ends. */
export interface KeptBroker {
  /** `host:port` on this machine. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts a broker in the folder, on what one left there before. Throws what Java says where it does not start. */
export async function keepBroker(folder: string): Promise<KeptBroker> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // In a session of its own: Ctrl-C is for us, who may need the broker to the end.
  const keeper = fork(new URL('./keeper.ts', import.meta.url), [folder], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const ended = once(keeper, 'exit')
  const complaint = text(keeper.stderr!)
  const address = await Promise.race([once(keeper, 'message').then(([said]) => String(said)), ended.then(() => null)])
  if (address === null) throw new Error(await complaint)
  return {
    address,
    async stop() {
      if (keeper.connected) keeper.disconnect()
      await ended
    },
  }
}
