import { type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/**
 * JSON lines on standard output. Secrets are taken out of the finished line, so that neither their depth in an object
 * nor their being part of a message or a stack lets them through.
 */
export function openLog(options: {
  level: string
  /** Takes each line; standard output where it is missing. */
  write?: (line: string) => void
}): Logger {
  const write = options.write ?? ((line: string) => process.stdout.write(line))
  return pino(
    {
      level: options.level,
      base: undefined,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(redact(line)) },
  )
}

const secretField =
  /"([^"\\]*(?:key|secret|password|passwd|token|authorization|cookie|credentials?|database_?url|owner_?url))":(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi
const secretText = /(\w+:\/\/[^:/@\s"\\]*:)[^@\s"\\]+@|\b(Bearer\s+)[\w.~+/=-]+|\b(podo_sk_)\w+/g

/** A line of JSON without the values of secret fields, passwords in addresses, bearer tokens and API keys. */
export function redact(line: string): string {
  return line
    .replace(secretField, '"$1":"[redacted]"')
    .replace(secretText, (_whole, address = '', bearer = '', apiKey = '') =>
      address ? `${address}[redacted]@` : `${bearer}${apiKey}[redacted]`,
    )
}
