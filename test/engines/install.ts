import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kafkaJars } from '#sandbox/kafka/installed'
import { findRedisServer } from './installed.ts'

// Fetches the engines that tests run on beside PostgreSQL: Kafka, by Maven, and Redis. What is missing for that is
// installed, if this is Debian or one of its kind and we are root.

const pom = join(import.meta.dirname, 'pom.xml')

// Not only the first that is missing.
process.exitCode = Math.max(installKafka(), installRedis())

function installKafka(): number {
  if (existsSync(kafkaJars)) {
    console.log(`Kafka is there: ${kafkaJars}`)
    return 0
  }
  if (!hasTools()) installPackages('openjdk-17-jdk-headless', 'maven')
  if (!hasTools()) {
    console.error('Kafka needs Java 17 or newer (a JDK) and Maven: install them, and run this again.')
    return 1
  }
  const unfinished = `${kafkaJars}.${process.pid}`
  mkdirSync(dirname(kafkaJars), { recursive: true })
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`, '-DincludeScope=runtime']
  const isFetched = runs('mvn', ['-q', '-B', '-f', pom, ...goal])
  if (isFetched) renameSync(unfinished, kafkaJars)
  else rmSync(unfinished, { recursive: true, force: true })
  console.log(isFetched ? `Kafka was put into ${kafkaJars}` : 'Maven could not fetch Kafka: see above.')
  return isFetched ? 0 : 1
}

function hasTools(): boolean {
  const version = spawnSync('javac', ['-version'], { encoding: 'utf8' })
  const major = Number(/javac (\d+)/.exec(`${version.stdout}${version.stderr}`)?.[1])
  return major >= 17 && spawnSync('mvn', ['-version']).status === 0
}

function installRedis(): number {
  // The package of the server would start a service: the one of its tools has the same program, and does not.
  if (!findRedisServer()) installPackages('redis-tools')
  const server = findRedisServer()
  if (server) console.log(`Redis is there: ${server.path}`)
  else console.error('Tests on Redis need redis-server or valkey-server: install it, and run this again.')
  return server ? 0 : 1
}

function installPackages(...names: string[]): void {
  if (process.getuid?.() !== 0) return
  runs('apt-get', ['update', '-q'])
  runs('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names])
}

function runs(command: string, args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0
}
