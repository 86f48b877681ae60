import { StartProblem } from './start-problem.ts'

/** It did not come up; the reason is in its own words. */
export function notStarted(reason: string): StartProblem {
  return new StartProblem({
    ko: `PostgreSQL을 시작하지 못했습니다. PostgreSQL이 남긴 말은 다음과 같습니다.\n${reason}`,
    en: `PostgreSQL could not be started. It said:\n${reason}`,
  })
}

/** It came up and went down each time, and its log may say why. */
export function endedAgain(logFile: string): StartProblem {
  return new StartProblem({
    ko: `PostgreSQL이 시작할 때마다 곧 끝났습니다. 까닭은 ${logFile} 파일에서 찾아보십시오.`,
    en: `PostgreSQL ended soon after each start. See ${logFile} for the cause.`,
  })
}

/** The data is of a major version that the installed one does not read. */
export function otherVersion(folder: string, found: number, installed: number): StartProblem {
  return new StartProblem({
    ko: `${folder} 폴더의 데이터는 PostgreSQL ${found} 버전의 것이고 설치된 것은 ${installed} 버전입니다. 맞는 버전을 설치하거나 다른 데이터 폴더를 지정하십시오.`,
    en: `The data in ${folder} is of PostgreSQL ${found}, and ${installed} is installed. Install that version, or name another data folder.`,
  })
}

/** There is data, and not all of it: no new database may take its place. */
export function damaged(folder: string): StartProblem {
  return new StartProblem({
    ko: `${folder} 폴더의 데이터베이스가 손상되었습니다. PG_VERSION 파일이 없습니다. 폴더를 백업에서 되돌려 놓거나 PODO_DATA_DIR로 다른 폴더를 지정하십시오.`,
    en: `The database in ${folder} is damaged: its file PG_VERSION is missing. Put ${folder} back from a backup, or name another folder by PODO_DATA_DIR.`,
  })
}
