import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const kafkaRelease = '4.3.1'

/** Folder of the jars of Kafka, which all clones of one user share. */
export const kafkaJars = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'podo', `kafka-${kafkaRelease}`)

/** Whether brokers can be started on this machine. */
export function isKafkaInstalled(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return existsSync(kafkaJars) && folders.some((folder) => existsSync(join(folder, 'java')))
}
