import { statfsSync } from 'node:fs'
import { totalmem } from 'node:os'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

export type ServerSettings = Readonly<Record<string, string | number>>

/** Settings of a server that shares its machine with Podo: an acknowledged commit is on the disk when `durable`. */
export function serverSettings(options: { durable: boolean; folder: string }): ServerSettings {
  const memoryMiB = Math.floor(memoryBytes() / MiB)
  const sync = options.durable ? 'on' : 'off'
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 100,
    fsync: sync,
    synchronous_commit: sync,
    full_page_writes: sync,
    ...(process.platform === 'darwin' && options.durable ? { wal_sync_method: 'fsync_writethrough' } : {}),
    shared_buffers: `${within(128, memoryMiB / 8, 1024)}MB`,
    effective_cache_size: `${within(256, memoryMiB / 2, 1024 * 1024)}MB`,
    maintenance_work_mem: '128MB',
    shared_memory_type: 'mmap',
    // Containers often have 64 MB of /dev/shm, where a parallel query would then fail.
    ...(freeBytes('/dev/shm') < GiB ? { dynamic_shared_memory_type: 'mmap' } : {}),
    // Every checkpoint makes the next change of each page log the page whole: the fewer, the less is written.
    checkpoint_timeout: '15min',
    ...(options.durable && freeBytes(options.folder) > 40 * GiB
      ? { max_wal_size: '8GB', min_wal_size: '1GB' }
      : { max_wal_size: '1GB', min_wal_size: '128MB' }),
    wal_compression: 'off',
    jit: 'off',
    random_page_cost: 1.1,
    autovacuum_naptime: '15s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    log_checkpoints: 'off',
    // A statement in the log would carry personal data and passwords, and the detail of an error quotes rows.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  }
}

/** Arguments of `initdb`: bytes order text, and Hangul are letters (under a C character type, search finds none). */
export function localeArguments(majorVersion: number): string[] {
  return majorVersion >= 17
    ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--lc-collate=C', '--lc-ctype=C.UTF-8']
    : ['--locale-provider=libc', '--lc-collate=C', '--lc-ctype=C.UTF-8']
}

function memoryBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : totalmem()
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function within(least: number, wanted: number, most: number): number {
  return Math.floor(Math.min(Math.max(least, wanted), most))
}
