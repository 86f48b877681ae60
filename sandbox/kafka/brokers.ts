import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { kafkaJars } from './installed.ts'

/** One broker, a process of its own. */
export interface Broker {
  readonly id: number
  /** Ends it with `kill -9`. */
  kill(): Promise<void>
  /** Starts it after a kill, on the data that it had. */
  start(): Promise<void>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

/** A Kafka of real brokers on this machine. */
export interface Brokers {
  /** `host:port` of each broker. */
  readonly addresses: readonly string[]
  readonly brokers: readonly Broker[]
  /** The way in with TLS and a password, where it was asked for. */
  readonly secured: SecuredListener | null
  /** Ends them all with `kill -9`. */
  kill(): Promise<void>
}

/** A listener that lets in who knows the password, by PLAIN or SCRAM-SHA-512. */
export interface SecuredListener {
  readonly addresses: readonly string[]
  /** PEM of what signed the broker's certificate. */
  readonly authority: string
  readonly username: string
  readonly password: string
}

export interface BrokersOptions {
  /** Three make a cluster that survives the death of one. */
  readonly brokers?: 1 | 3
  readonly isSecured?: boolean
}

/**
 * Starts a Kafka in the folder, on what one left there before: some seconds and 400 MB for each broker. The brokers end
 * with this process, unless it is killed.
 */
export async function openBrokers(folder: string, options: BrokersOptions = {}): Promise<Brokers> {
  if (!existsSync(kafkaJars)) throw new Error('Kafka is not installed; it is by: npm run engines')
  const plans = await planBrokers(folder, options.brokers ?? 1)
  const secured = options.isSecured ? await planSecurity(folder) : null
  const brokers = plans.map((plan) => openBroker({ ...plan, settings: settingsOf(plan, { plans, secured }) }))
  const kill = async () => {
    await Promise.all(brokers.map((broker) => broker.kill()))
  }
  format(plans, secured)
  try {
    await Promise.all(brokers.map((broker) => broker.start()))
  } catch (error) {
    await kill()
    throw error
  }
  const addressesOf = (port: (plan: BrokerPlan) => number) => plans.map((plan) => `127.0.0.1:${port(plan)}`)
  const { username = '', password = '', authority = '' } = secured ?? {}
  return {
    addresses: addressesOf((plan) => plan.port),
    brokers,
    secured: secured && { addresses: addressesOf((plan) => plan.securedPort), authority, username, password },
    kill,
  }
}

function format(plans: readonly BrokerPlan[], secured: Security | null): void {
  // Taken for an option, it must not begin with a dash.
  const cluster = `A${randomBytes(16).toString('base64url').slice(1)}`
  for (const { folder, settingsFile } of plans) {
    if (existsSync(join(folder, 'meta.properties'))) continue
    const alone = plans.length === 1 ? ['--standalone'] : []
    const user = secured ? ['--add-scram', `SCRAM-SHA-512=[name=${secured.username},password=${secured.password}]`] : []
    runJava(['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', settingsFile, ...alone, ...user])
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
const startMaxMs = 90_000
const living = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

export function openBroker(plan: BrokerPlan & { settings: string }): Broker {
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
      const deadline = performance.now() + startMaxMs
      while (!(await isListening(plan.port))) {
        const hasEnded = child.exitCode !== null || child.signalCode !== null
        if (hasEnded || performance.now() > deadline)
          throw new Error(`Kafka did not start:\n${readFileSync(`${folder}.log`, 'utf8').slice(-2_000)}`)
        await delay(20)
      }
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
  if (status !== 0) throw new Error(`${command} failed:\n${stdout ?? ''}${stderr ?? ''}`)
  return stdout
}

/** Ends the brokers that a killed process left behind in its folder, by the numbers that they noted there. */
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
