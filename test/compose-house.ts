import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import pg from 'pg'
import { findBinaries } from '#platform/postgres-binaries'
import { makePrivateFolder, serverUser } from '#platform/postgres-folder'
import { serverEnvironment, spawnServer, stopServer } from '#platform/postgres-process'
import { freePorts } from '#sandbox/kafka/brokers'
import { root } from './architecture/sources.ts'
import { type Compose, readCompose, type Service } from './compose.ts'
import { readStart } from './dockerfile.ts'
import { openKafkaImage } from './engines/kafka-image.ts'
import { openRedisServer, type TestRedis } from './engines/redis.ts'
import { type Scope, until } from './harness.ts'

/** What compose.yaml describes, as processes of this machine. */
export interface ComposeHouse {
  readonly url: string
  readonly kafka: string
  readonly redis: TestRedis
  readonly operatorKey: string
  /** Ends the processes of Podo as Docker does; answers how each ended. */
  stop(): Promise<unknown[]>
}

type Ports = Readonly<Record<'api' | 'worker' | 'postgres' | 'kafka' | 'controller' | 'valkey', number>>

/** Starts the services in the order that compose.yaml asks for, with the secrets that the guide makes. */
export async function openComposeHouse(scope: Scope): Promise<ComposeHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'podo-compose-'))
  chmodSync(folder, 0o755)
  scope.after(() => rmSync(folder, { recursive: true }))
  const variables = makeSecrets(folder)
  const { services } = readCompose(variables)
  const redis = await openRedisServer(scope, { settings: services.valkey!.command!.slice(1) })
  const [api, worker, postgres, kafka, controller] = (await freePorts(5)) as [number, number, number, number, number]
  const ports = { api, worker, postgres, kafka, controller, valkey: Number(new URL(redis.url).port) }
  await startPostgres(scope, { service: services.postgres!, folder, port: postgres })
  await openKafkaImage(scope, { environment: environmentOf(services.kafka!, ports), port: kafka })
  const { migrated, started } = await startPodo(scope, { services, folder, ports })
  assert.equal(migrated, 0)
  return {
    url: `http://127.0.0.1:${api}`,
    kafka: `127.0.0.1:${kafka}`,
    redis,
    operatorKey: variables.PODO_OPERATOR_KEY!,
    stop: () =>
      Promise.all(
        started.map(async (child) => {
          child.kill(readStart().stopSignal)
          return (await once(child, 'exit'))[0]
        }),
      ),
  }
}

/** By the commands of the guide, in a folder. */
function makeSecrets(folder: string): NodeJS.Dict<string> {
  const guide = readFileSync(join(root, 'docs/guide/compose.md'), 'utf8')
  const [, commands] = /```bash\n(.*?)```/s.exec(guide)!
  execFileSync('bash', ['-euc', commands!], { cwd: folder })
  return parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
}

/** Hosts and ports of the services become those that they have here; everything else stays. */
function environmentOf({ environment }: Service, ports: Ports): Record<string, string> {
  const places: Record<string, number> = {
    5432: ports.postgres,
    6379: ports.valkey,
    9092: ports.kafka,
    9093: ports.controller,
  }
  const place = (text: string) =>
    text.replaceAll(/\b(?:postgres|kafka|valkey):(\d+)|(?<=\/\/):(\d+)/g, (_, ...ports) => {
      const [port] = ports.filter(Boolean)
      return `127.0.0.1:${places[port]}`
    })
  return Object.fromEntries(Object.entries(environment!).map(([name, value]) => [name, place(String(value))]))
}

/** As PostgreSQL's image starts on a new folder: initdb, roles.sql, and the command of the service. */
async function startPostgres(scope: Scope, by: { service: Service; folder: string; port: number }): Promise<void> {
  const { service, port } = by
  const home = join(by.folder, 'postgres')
  mkdirSync(home, { mode: 0o711 })
  const user = serverUser()
  const binaries = findBinaries(home, user)
  const folder = join(home, 'data')
  makePrivateFolder(folder, user)
  const variables = service.environment as Record<string, string>
  const { POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: flags } = variables
  const passwordFile = join(home, 'password')
  writeFileSync(passwordFile, password!, { mode: 0o600 })
  if (user) chownSync(passwordFile, user.uid, user.gid)
  const made = ['-D', folder, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  execFileSync(binaries.initdb, [...made, ...flags!.split(' ')], { cwd: home, env: serverEnvironment(), ...user })
  const here = [`-cport=${port}`, '-clisten_addresses=127.0.0.1', '-cunix_socket_directories=']
  const server = spawnServer({
    program: binaries.postgres,
    arguments: ['-D', folder, ...service.command!.slice(1), ...here],
    folder,
    logFile: join(home, 'postgres.log'),
    user,
  })
  scope.after(() => stopServer(server))
  await until('PostgreSQL has its roles', async () => {
    assert.ok(server.isAlive(), readFileSync(join(home, 'postgres.log'), 'utf8'))
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' })
    const isUp = await client.connect().then(
      () => true,
      () => false,
    )
    if (isUp) for (const statement of rolesFor(variables)) await client.query(statement)
    await client.end()
    return isUp
  })
}

/** The statements of roles.sql, with what psql would fill in. */
function rolesFor(variables: Readonly<Record<string, string>>): string[] {
  const text = readFileSync(join(root, 'deploy/compose/roles.sql'), 'utf8').replaceAll(/^--.*\n/gm, '')
  const names = Object.fromEntries(text.matchAll(/^\\getenv (\w+) (\w+)$/gm).map(([, name, from]) => [name, from]))
  const filled = text
    .replaceAll(/^\\getenv .*\n/gm, '')
    .replaceAll(/:'(\w+)'/g, (_, name) => pg.escapeLiteral(variables[names[name]]!))
  return filled.split(';').filter((statement) => statement.trim() !== '')
}

async function startPodo(scope: Scope, by: { services: Compose['services']; folder: string; ports: Ports }) {
  const { services, folder, ports } = by
  const { entrypoint, command } = readStart()
  const start = (name: 'migrate' | 'api' | 'worker') => {
    const here = { HOST: '127.0.0.1', PORT: String(ports.api), WORKER_PORT: String(ports.worker) }
    const environment = { ...environmentOf(services[name]!, ports), ...here, PATH: process.env.PATH }
    const program = [...entrypoint.slice(1), ...(services[name]!.command ?? command)]
    const child = spawn(process.execPath, [join(root, program[0]!), ...program.slice(1)], {
      cwd: folder,
      env: { ...environment, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    scope.after(async () => {
      if (child.kill('SIGKILL')) await once(child, 'exit')
    })
    return child
  }
  const [migrated] = await once(start('migrate'), 'exit')
  const started: ChildProcess[] = []
  for (const name of ['api', 'worker'] as const) {
    const child = start(name)
    started.push(child)
    await until(`the ${name} is ready`, async () => {
      assert.equal(child.exitCode, null)
      const answer = await fetch(`http://127.0.0.1:${ports[name]}/health/ready`).catch(() => null)
      return answer?.ok
    })
  }
  return { migrated, started }
}
