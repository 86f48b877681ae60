import promClient from '@platformatic/prom-client'

/** What one process counts, in the text format of Prometheus. */
export interface Metrics {
  /** The recorder of an operation of the API: its answers by status, and how long they took. */
  operation(method: string, route: string): (status: number, seconds: number) => void
  /** The recorder of a lane's batches; `depth` is asked for when somebody looks. */
  lane(name: string, depth: () => number): (batch: { size: number; gatheredMs: number; ranMs: number }) => void
  /** Shows the use of a database pool. */
  pool(name: string, use: () => { total: number; idle: number; waiting: number; max: number }): void
  /** Shows the breaker of an outside service, and counts the calls to it by what came of them. */
  outside(service: string, state: () => OutsideState): (result: string) => void
  /** Shows a number that is asked for when somebody looks; one that cannot be had in a second shows as not a number. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** The same for numbers that belong together, each with its own value of a label, or of several. */
  gauges(name: string, help: string, by: { label: Labels; read: () => Promise<ReadonlyMap<Labels, number>> }): void
  /** Counts what happens, by one label. */
  counter(name: string, help: string, label: string): (value: string) => void
  text(): Promise<string>
  readonly contentType: string
}

type OutsideState = 'closed' | 'half-open' | 'open'

type Labels = string | readonly string[]

const readMaxMs = 1_000
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000]

/** A registry of its own; `withProcess` adds memory, CPU, garbage collection and the event loop's lag. */
export function openMetrics(options: { withProcess: boolean }): Metrics {
  const registry = new promClient.Registry()
  const registers = [registry]
  if (options.withProcess) promClient.collectDefaultMetrics({ register: registry })
  const labelNames = ['method', 'route'] as const
  const requests = new promClient.Counter({
    name: 'podo_http_requests_total',
    help: 'Answers of the API by operation and status.',
    labelNames: [...labelNames, 'status'],
    registers,
  })
  const durations = new promClient.Histogram({
    name: 'podo_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames,
    buckets: requestBuckets,
    registers,
  })

  return {
    operation(method, route) {
      // Labels are resolved once for each status: the hot path only adds.
      const duration = durations.labels(method, route)
      const counters = new Map<number, { inc(): void }>()
      return (status, seconds) => {
        let counter = counters.get(status)
        if (!counter) {
          counter = requests.labels(method, route, String(status))
          counters.set(status, counter)
        }
        counter.inc()
        duration.observe(seconds)
      }
    },
    outside: openOutsideMetrics(registers),
    lane: (name, depth) => openLaneMetrics(name, depth, registers),
    pool(name, use) {
      const connections = new promClient.Gauge({
        name: `podo_${name}_connections`,
        help: 'Database connections of the pool by state, and callers waiting for one.',
        labelNames: ['state'],
        registers,
        collect() {
          const { total, idle, waiting, max } = use()
          for (const [state, count] of Object.entries({ busy: total - idle, idle, waiting, max })) {
            connections.labels(state).set(count)
          }
        },
      })
    },
    gauge(name, help, read) {
      const gauge: InstanceType<typeof promClient.Gauge> = new promClient.Gauge({
        name: `podo_${name}`,
        help,
        registers,
        async collect() {
          gauge.set(await inTime(read, Number.NaN))
        },
      })
    },
    gauges(name, help, { label, read }) {
      const gauge: InstanceType<typeof promClient.Gauge> = new promClient.Gauge({
        name: `podo_${name}`,
        help,
        labelNames: [label].flat(),
        registers,
        async collect() {
          const numbers = await inTime(read, new Map<Labels, number>())
          gauge.reset()
          for (const [value, number] of numbers) {
            gauge.labels(...[value].flat()).set(number)
          }
        },
      })
    },
    counter(name, help, label) {
      const counter = new promClient.Counter({ name: `podo_${name}`, help, labelNames: [label], registers })
      return (value) => counter.labels(value).inc()
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** What is read, or what stands for it where that fails or takes long: whoever watches an outage must not wait for it. */
async function inTime<T>(read: () => T | Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), readMaxMs)
  })
  try {
    return await Promise.race([read(), late])
  } catch {
    return otherwise
  } finally {
    clearTimeout(timer)
  }
}

function openLaneMetrics(name: string, depth: () => number, registers: InstanceType<typeof promClient.Registry>[]) {
  const waiting: InstanceType<typeof promClient.Gauge> = new promClient.Gauge({
    name: `podo_${name}_lane_depth`,
    help: 'Calls that wait for a batch of the lane.',
    registers,
    collect() {
      waiting.set(depth())
    },
  })
  const sizes = new promClient.Histogram({
    name: `podo_${name}_lane_batch_size`,
    help: 'Calls in a batch of the lane.',
    buckets: batchBuckets,
    registers,
  })
  const gathered = new promClient.Histogram({
    name: `podo_${name}_lane_gather_seconds`,
    help: 'Time that the oldest call of a batch waited for it to begin.',
    buckets: requestBuckets,
    registers,
  })
  const ran = new promClient.Histogram({
    name: `podo_${name}_lane_batch_seconds`,
    help: 'Time from the beginning of a batch to its commit.',
    buckets: requestBuckets,
    registers,
  })
  return (batch: { size: number; gatheredMs: number; ranMs: number }) => {
    sizes.observe(batch.size)
    gathered.observe(batch.gatheredMs / 1_000)
    ran.observe(batch.ranMs / 1_000)
  }
}

function openOutsideMetrics(registers: InstanceType<typeof promClient.Registry>[]): Metrics['outside'] {
  const states = new Map<string, () => OutsideState>()
  const numbers = { closed: 0, 'half-open': 1, open: 2 } as const
  const shown: InstanceType<typeof promClient.Gauge> = new promClient.Gauge({
    name: 'podo_outside_state',
    help: 'The breaker of an outside service: 0 closed, 1 half-open, 2 open.',
    labelNames: ['service'],
    registers,
    collect() {
      for (const [service, state] of states) shown.labels(service).set(numbers[state()])
    },
  })
  const calls = new promClient.Counter({
    name: 'podo_outside_calls_total',
    help: 'Calls to outside services: answered, failed, late, away (not asked), full (no room); and attempts retried.',
    labelNames: ['service', 'result'],
    registers,
  })
  return (service, state) => {
    states.set(service, state)
    return (result) => calls.labels(service, result).inc()
  }
}
