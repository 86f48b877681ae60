import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Scope, until } from '../harness.ts'
import { kafkaJars } from './installed.ts'

/** One broker, a process of its own. */
export interface TestBroker {
  readonly id: number
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
  /** Starts it after a kill, on the data that it had. */
  start(): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

/** A Kafka of real brokers on this machine. */
export interface TestKafka {
  /** `host:port` of each broker. */
  readonly addresses: readonly string[]
  readonly brokers: readonly TestBroker[]
  /** The way in with TLS and a password, where it was asked for. */
  readonly secured: SecuredListener | null
}

/** A listener that lets in who knows the password, by PLAIN or SCRAM-SHA-512. */
export interface SecuredListener {
  readonly addresses: readonly string[]
  /** PEM of what signed the broker's certificate. */
  readonly authority: string
  readonly username: string
  readonly password: string
}

export interface KafkaOptions {
  /** Three make a cluster that survives the death of one. */
  readonly brokers?: 1 | 3
  readonly isSecured?: boolean
}

/** Starts a Kafka for this scope: some seconds and 400 MB for each broker, so one for a file at most. */
export async function openKafka(scope: Scope, options: KafkaOptions = {}): Promise<TestKafka> {
  if (!existsSync(kafkaJars)) throw new Error('Kafka is not installed; it is by: npm run engines')
  const folder = mkdtempSync(join(tmpdir(), 'kafka-'))
  const plans = await planBrokers(folder, options.brokers ?? 1)
  const secured = options.isSecured ? await planSecurity(folder) : null
  const brokers = plans.map((plan) => openBroker({ ...plan, settings: settingsOf(plan, { plans, secured }) }))
  scope.after(async () => {
    await Promise.all(brokers.map((broker) => broker.kill()))
    await rm(folder, { recursive: true, force: true })
  })
  // Taken for an option, it must not begin with a dash.
  const cluster = `A${randomBytes(16).toString('base64url').slice(1)}`
  for (const { settingsFile } of plans) {
    const alone = plans.length === 1 ? ['--standalone'] : []
    const user = secured ? ['--add-scram', `SCRAM-SHA-512=[name=${secured.username},password=${secured.password}]`] : []
    runJava(['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', settingsFile, ...alone, ...user])
  }
  await Promise.all(brokers.map((broker) => broker.start()))
  const addressesOf = (port: (plan: BrokerPlan) => number) => plans.map((plan) => `127.0.0.1:${port(plan)}`)
  const { username = '', password = '', authority = '' } = secured ?? {}
  return {
    addresses: addressesOf((plan) => plan.port),
    brokers,
    secured: secured && { addresses: addressesOf((plan) => plan.securedPort), authority, username, password },
  }
}

interface BrokerPlan {
  readonly id: number
  readonly folder: string
  readonly settingsFile: string
  readonly port: number
  readonly securedPort: number
  readonly controllerPort: number
}

async function planBrokers(folder: string, count: number): Promise<BrokerPlan[]> {
  const ports = await freePorts(3 * count)
  return Array.from({ length: count }, (_, at) => ({
    id: at + 1,
    folder: join(folder, `broker-${at + 1}`),
    settingsFile: join(folder, `broker-${at + 1}.properties`),
    port: ports[3 * at]!,
    securedPort: ports[3 * at + 1]!,
    controllerPort: ports[3 * at + 2]!,
  }))
}

/** Below those that the system gives to connections, which would take one before a broker has it again. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) ports.add(port)
  }
  return [...ports]
}

interface Security {
  readonly keyStore: string
  readonly authority: string
  readonly username: string
  readonly password: string
}

async function planSecurity(folder: string): Promise<Security> {
  const keyStore = join(folder, 'keys.p12')
  const password = randomBytes(12).toString('hex')
  const store = ['-keystore', keyStore, '-storepass', password, '-alias', 'broker']
  const names = ['-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1']
  runTool('keytool', ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', ...names, ...store])
  const authority = runTool('keytool', ['-exportcert', '-rfc', ...store])
  return { keyStore, authority, username: 'podo', password }
}

function settingsOf(plan: BrokerPlan, { plans, secured }: { plans: BrokerPlan[]; secured: Security | null }): string {
  const count = plans.length
  const listeners = [
    `PLAINTEXT://127.0.0.1:${plan.port}`,
    `CONTROLLER://127.0.0.1:${plan.controllerPort}`,
    ...(secured ? [`SASL_SSL://127.0.0.1:${plan.securedPort}`] : []),
  ]
  const voters = plans.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join()
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': plan.id,
    listeners: listeners.join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    ...(count === 1
      ? { 'controller.quorum.bootstrap.servers': `127.0.0.1:${plan.controllerPort}` }
      : { 'controller.quorum.voters': voters }),
    'log.dirs': plan.folder,
    'offsets.topic.replication.factor': count,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': count,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': count,
    'share.coordinator.state.topic.min.isr': 1,
    'default.replication.factor': count,
    'min.insync.replicas': count === 1 ? 1 : 2,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    // So that tests need not wait for long until a member that is gone is missed.
    'group.min.session.timeout.ms': 1_000,
    // A killed broker may come back after four seconds; without these two, after fourteen.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    ...(secured ? securitySettings(secured) : {}),
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function securitySettings({ keyStore, username, password }: Security) {
  const login = 'org.apache.kafka.common.security'
  const plainUser = `user_${username}="${password}"`
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${plainUser};`,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    'ssl.keystore.location': keyStore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': password,
  }
}

const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(kafkaJars, '*')]
const living = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

export function openBroker(plan: BrokerPlan & { settings: string }): TestBroker {
  const { id, folder, settingsFile, settings } = plan
  writeFileSync(settingsFile, settings)
  let running: { child: ChildProcess; ended: Promise<unknown> } | null = null
  return {
    id,
    async kill() {
      if (!running) return
      running.child.kill('SIGKILL')
      await running.ended
      running = null
    },
    async start() {
      const output = openSync(`${folder}.log`, 'a')
      const child = spawn('java', [...jvm, 'kafka.Kafka', settingsFile], { stdio: ['ignore', output, output] })
      closeSync(output)
      living.add(child)
      const ended = once(child, 'close').then(() => living.delete(child))
      running = { child, ended }
      writeFileSync(`${folder}.pid`, String(child.pid))
      const isOpen = () => {
        if (child.exitCode !== null)
          throw new Error(`Kafka ended:\n${readFileSync(`${folder}.log`, 'utf8').slice(-2_000)}`)
        return isListening(plan.port)
      }
      await until('the broker listened', isOpen, { timeoutMs: 90_000 })
    },
    signal: (signal) => void running!.child.kill(signal),
  }
}

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy())
}

/** Runs a program of Kafka to its end, and answers what it wrote. */
export function runJava(programAndArguments: readonly string[], env = process.env): string {
  return runTool('java', [...jvm, ...programAndArguments], env)
}

function runTool(command: string, args: string[], env = process.env): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${command} failed:\n${stdout}${stderr}`)
  return stdout
}
