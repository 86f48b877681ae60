import type { Text } from '#platform/problem'

const inMB = (bytes: number) => (bytes / 1_000_000).toLocaleString('en', { maximumFractionDigits: 1 })

/** What `podo backup` and `podo restore` say. */
export const backupTexts = {
  otherServer: {
    ko: 'DATABASE_URL의 PostgreSQL은 그 서버의 수단으로 백업하고 복원하십시오(pg_basebackup, pgBackRest, 관리형 서비스의 시점 복구). "podo backup"과 "podo restore"는 Podo가 직접 띄운 PostgreSQL에 씁니다.',
    en: 'Back up and restore the PostgreSQL of DATABASE_URL by its own means (pg_basebackup, pgBackRest, the recovery of your provider). "podo backup" and "podo restore" are for the one that Podo starts itself.',
  },
  noFolder: {
    ko: '백업할 폴더를 적거나 PODO_BACKUP_DIR을 지정하십시오. 예: podo backup /backups/podo-1',
    en: 'Name a folder for the backup, or set PODO_BACKUP_DIR. For example: podo backup /backups/podo-1',
  },
  notArchived: {
    ko: '실행 중인 Podo는 PODO_BACKUP_DIR 없이 시작되었습니다. 그 설정으로 다시 시작하거나, 백업할 폴더를 적으십시오.',
    en: 'The Podo that runs was started without PODO_BACKUP_DIR. Start it again with it, or name a folder for the backup.',
  },
  made: (it: { folder: string; bytes: number; seconds: number; at: string }): Text => ({
    ko: [
      `백업했습니다: ${it.folder} (${inMB(it.bytes)}MB, ${it.seconds.toFixed(1)}초).`,
      `${it.at} 전에 응답한 것은 모두 들어 있습니다. 비밀번호와 키도 들어 있으니 아무나 읽지 못하게 보관하십시오.`,
    ].join('\n'),
    en: [
      `Backed up into ${it.folder} (${inMB(it.bytes)} MB, ${it.seconds.toFixed(1)} s).`,
      `Whatever was answered before ${it.at} is in it. So are passwords and keys: keep it where nobody else reads it.`,
    ].join('\n'),
  }),
  wrongInstant: (text: string): Text => ({
    ko: `"${text}"은 시각이 아닙니다. --to에 2026-11-22T09:30:00+09:00이나 "2026-11-22 09:30"(PODO_TIME_ZONE의 시각)처럼 적으십시오.`,
    en: `"${text}" is no moment. Give --to like 2026-11-22T09:30:00+09:00, or "2026-11-22 09:30" in PODO_TIME_ZONE.`,
  }),
  steps: {
    reading: { ko: '백업을 읽어 확인하는 중…', en: 'Reading the backup and comparing it …' },
    unpacking: { ko: '데이터베이스를 푸는 중…', en: 'Unpacking the database …' },
    recovering: { ko: '로그를 다시 적용하는 중…', en: 'Replaying the log …' },
  },
  aiming: (at: string): Text => ({ ko: `${at}의 상태로 복원합니다.`, en: `This brings back ${at}.` }),
  restored: (it: { dataDir: string; until: string; backup: string; aside: string | null }): Text => ({
    ko: [
      `복원했습니다: ${it.dataDir} (백업: ${it.backup}).`,
      `마지막으로 커밋된 시각: ${it.until}. 그 뒤의 것은 들어 있지 않습니다.`,
      ...(it.aside ? [`이전 데이터는 지우지 않고 옮겨 두었습니다: ${it.aside}`] : []),
    ].join('\n'),
    en: [
      `Restored into ${it.dataDir} (from the backup ${it.backup}).`,
      `Its last commit is of ${it.until}; what came later is not in it.`,
      ...(it.aside ? [`What was there before is kept in ${it.aside}`] : []),
    ].join('\n'),
  }),
} as const
