import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

const kafkaRelease = '4.3.1'

/** Folder of the jars of Kafka, which all clones of one user share. */
export const kafkaJars = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'podo', `kafka-${kafkaRelease}`)

/** Why tests on Kafka are skipped, or false: they run where it is, and fail where it has to be and is not. */
export function withoutKafka(): string | false {
  if (existsSync(kafkaJars) || process.env.PODO_TEST_ENGINES === 'all') return false
  return 'Kafka is not installed; it is by: npm run engines'
}

/** What starts a Redis: the program, and the name that it is called by; null where there is none. */
export function findRedisServer(): { readonly path: string; readonly name: string } | null {
  // Debian's package of tools holds the server under the name of one of them, and no service that runs by itself.
  const names = ['valkey-server', 'redis-server', 'redis-check-rdb']
  const paths = (process.env.PATH ?? '').split(':').flatMap((folder) => names.map((name) => join(folder, name)))
  const path = names.flatMap((name) => paths.filter((each) => each.endsWith(`/${name}`))).find(existsSync)
  return path ? { path, name: 'redis-server' } : null
}

/** Why tests on Redis are skipped, or false. */
export function withoutRedis(): string | false {
  if (findRedisServer() || process.env.PODO_TEST_ENGINES === 'all') return false
  return 'Redis is not installed; it is by: npm run engines'
}

/** Ends the brokers that the tests of a run left behind in its folder, by the numbers that they noted there. */
export async function endBrokers(folder: string): Promise<void> {
  for await (const note of glob('**/broker-*.pid', { cwd: folder })) {
    const pid = readFileSync(join(folder, note), 'utf8')
    // The number may be another process's by now.
    if (commandOf(pid).includes(folder)) process.kill(Number(pid), 'SIGKILL')
  }
}

function commandOf(pid: string): string {
  if (process.platform === 'linux') {
    const path = `/proc/${pid}/cmdline`
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  return spawnSync('ps', ['-o', 'command=', '-p', pid], { encoding: 'utf8' }).stdout
}
