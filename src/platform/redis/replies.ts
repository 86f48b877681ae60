import handlers from 'ioredis/built/DataHandler.js'

type Handler = { dispatch(handle: () => void): void; returnFatalError(error: Error): void }

/**
 * An answer that is written as the protocol has it and is none to what was asked makes ioredis throw where nobody
 * catches it, which would end the process. Here its connection ends, as after one that is no answer at all.
 */
export function endConnectionsThatTalkNonsense(): void {
  const handler = handlers.default.prototype as unknown as Handler
  handler.dispatch = function (handle) {
    try {
      handle()
    } catch (error) {
      this.returnFatalError(error as Error)
    }
  }
}
