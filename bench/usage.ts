import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** The processes whose cost is counted; `postmaster` stands for all processes of that PostgreSQL. */
export interface Watched {
  readonly processes: readonly number[]
  readonly postmaster: number | null
}

export interface Usage {
  readonly cpuUs: number | null
  readonly postgresCpuUs: number | null
  readonly peakMemoryMb: number | null
}

/** Starts counting CPU and peak memory; the function that it answers ends it. Only Linux tells, by /proc. */
export function watch(watched: Watched): () => Usage {
  for (const pid of watched.processes) forgetPeakMemory(pid)
  const before = { cpu: cpuOf(watched.processes), postgres: postgresCpu(watched.postmaster) }
  return () => ({
    cpuUs: difference(cpuOf(watched.processes), before.cpu),
    postgresCpuUs: difference(postgresCpu(watched.postmaster), before.postgres),
    peakMemoryMb: peakMemory(watched.processes),
  })
}

// USER_HZ is 100 on every Linux that Node runs on.
const usPerTick = 10_000

function cpuOf(pids: readonly number[]): number | null {
  let sum = 0
  for (const pid of pids) {
    const stat = statOf(pid)
    if (!stat) return null
    sum += stat.own
  }
  return sum
}

/** Backends that ended are in what the postmaster waited for, so none is lost between two looks. */
function postgresCpu(postmaster: number | null): number | null {
  if (postmaster === null) return null
  const stat = statOf(postmaster)
  if (!stat) return null
  let sum = stat.own + stat.children
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const child = statOf(Number(entry))
    if (child?.parent === postmaster) sum += child.own
  }
  return sum
}

function statOf(pid: number): { parent: number; own: number; children: number } | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // The name in parentheses may hold spaces: count from behind it (proc(5): state is the third field).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = (from: number) => (Number(fields[from]) + Number(fields[from + 1])) * usPerTick
  return { parent: Number(fields[1]), own: ticks(11), children: ticks(13) }
}

function forgetPeakMemory(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Elsewhere than on Linux the peak is not read either.
  }
}

function peakMemory(pids: readonly number[]): number | null {
  let peak: number | null = null
  for (const pid of pids) {
    try {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      if (kilobytes) peak = Math.max(peak ?? 0, Number(kilobytes) / 1024)
    } catch {
      return null
    }
  }
  return peak
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before
}
