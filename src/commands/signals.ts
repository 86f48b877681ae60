/**
 * Settles with the name of the first signal that asks this process to stop; a second one ends it at once. Whoever
 * started it with a channel to itself, as the demo does, asks by going away, however that happens.
 */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve('disconnect'))
    let firstAt: number | undefined
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        const now = performance.now()
        // Ctrl-C reaches us twice at once: from the terminal, and passed on by npm or by the launcher.
        if (firstAt !== undefined && now - firstAt > echoMs) process.exit(1)
        firstAt ??= now
        resolve(name)
      })
    }
  })
}

const echoMs = 1_000
