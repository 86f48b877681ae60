import Type from 'typebox'
import type { Setting } from './settings.ts'

/** Where the database of Podo is backed up by itself. */
export const backupSettings = {
  backupDir: {
    name: 'PODO_BACKUP_DIR',
    schema: Type.Union([Type.String({ minLength: 1 }), Type.Null()]),
    default: null,
    expects: { ko: '데이터 폴더 밖에 있는 폴더의 경로', en: 'the path of a folder outside of the data folder' },
    description:
      "Folder that Podo's own PostgreSQL is backed up into, all the time; best on another disk. Default: no backups.",
  },
  backupEveryHours: {
    name: 'PODO_BACKUP_EVERY_HOURS',
    schema: Type.Integer({ minimum: 1, maximum: 720 }),
    default: 24,
    expects: { ko: '1부터 720까지의 시간 수', en: 'a number of hours from 1 to 720' },
    description: 'How often a whole backup is made there; what happens between is kept in a log.',
  },
  backupKeep: {
    name: 'PODO_BACKUP_KEEP',
    schema: Type.Integer({ minimum: 1, maximum: 1_000 }),
    default: 7,
    expects: { ko: '1부터 1000까지의 개수', en: 'a number from 1 to 1000' },
    description:
      'How many of these are kept, with the log since the oldest: any moment since then can be brought back.',
  },
} as const satisfies Record<string, Setting>
