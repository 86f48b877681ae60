import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBroker, runJava } from '#sandbox/kafka/brokers'
import type { Scope } from '../harness.ts'

/**
 * Starts a broker as Kafka's own image does, which brings the program along that makes settings of the environment and
 * formats the disk; `port` is where it will listen.
 */
export async function openKafkaImage(scope: Scope, by: { environment: NodeJS.Dict<string>; port: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-image-'))
  const [defaults, mounted, final] = ['defaults', 'mounted', 'final'].map((name) => join(folder, name))
  for (const each of [defaults, mounted, final]) mkdirSync(each!)
  for (const name of ['server.properties', 'log4j2.yaml', 'tools-log4j2.yaml']) writeFileSync(join(defaults!, name), '')
  const environment = { ...by.environment, KAFKA_LOG_DIRS: join(folder, 'data'), PATH: process.env.PATH }
  runJava(['kafka.docker.KafkaDockerWrapper', 'setup', '-D', defaults!, '-M', mounted!, '-F', final!], environment)
  const settings = readFileSync(join(final!, 'server.properties'), 'utf8')
  const files = { folder: join(folder, 'broker-1'), settingsFile: join(folder, 'broker-1.properties') }
  const broker = openBroker({ ...files, id: 1, port: by.port, securedPort: 0, controllerPort: 0, settings })
  scope.after(async () => {
    await broker.kill()
    rmSync(folder, { recursive: true })
  })
  await broker.start()
}
