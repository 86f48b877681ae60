/** Settles with the name of the first signal that asks this process to stop; a second one ends it at once. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
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
