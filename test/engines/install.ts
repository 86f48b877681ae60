import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kafkaJars } from './installed.ts'

// Fetches the engines that tests run on beside PostgreSQL: Kafka, by Maven. Where Java and Maven are missing, they are
// installed first, if this is Debian or one of its kind and we are root.

const pom = join(import.meta.dirname, 'pom.xml')

process.exitCode = install()

function install(): number {
  if (existsSync(kafkaJars)) {
    console.log(`Kafka is there: ${kafkaJars}`)
    return 0
  }
  if (!hasTools()) installTools()
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

function installTools(): void {
  if (process.getuid?.() !== 0) return
  runs('apt-get', ['update', '-q'])
  runs('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'openjdk-17-jdk-headless', 'maven'])
}

function runs(command: string, args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, args, { stdio: 'inherit', env }).status === 0
}
