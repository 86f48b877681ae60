import type { Text } from './problem.ts'
import { StartProblem } from './start-problem.ts'

/** What `error` says to whoever named `folder`, where the file system raised it; else the error itself. */
export function folderProblem(folder: string, error: unknown): unknown {
  const cause = error instanceof StartProblem ? null : causeOf(error)
  if (!cause) return error
  const { ko, en } = cause
  return new StartProblem(
    {
      ko: `데이터 폴더(${folder})를 쓸 수 없습니다(${ko}). 문제를 고치거나 PODO_DATA_DIR로 다른 폴더를 지정하십시오.`,
      en: `The data folder ${folder} cannot be used (${en}). Mend that, or name another folder by PODO_DATA_DIR.`,
    },
    { cause: error },
  )
}

/** Why a file or folder cannot be used, in a few words; null where it was not the file system that said so. */
export function causeOf(error: unknown): Text | null {
  const { code = '', syscall = '', message } = error as NodeJS.ErrnoException
  if (code === 'ERR_SQLITE_ERROR') return { ko: `잠금 파일을 열 수 없음: ${message}`, en: `its lock file: ${message}` }
  return (/^(spawn|connect|listen)/.test(syscall) ? null : causes[code]) ?? null
}

const causes: Readonly<Record<string, Text>> = {
  EACCES: { ko: '이 사용자에게 권한이 없음', en: 'this user has no right to it' },
  EPERM: { ko: '이 사용자에게 권한이 없음', en: 'this user has no right to it' },
  ENOTDIR: { ko: '경로에 폴더가 아닌 파일이 있음', en: 'a file stands where a folder should' },
  EEXIST: { ko: '경로에 폴더가 아닌 것이 있음', en: 'something that is no folder stands there' },
  EISDIR: { ko: '파일이 있을 곳에 폴더가 있음', en: 'a folder stands where a file should' },
  ENOENT: { ko: '그곳에는 폴더를 만들 수 없음', en: 'no folder can be made there' },
  EROFS: { ko: '읽기 전용 파일 시스템', en: 'its file system is read-only' },
  ENOSPC: { ko: '디스크에 남은 공간이 없음', en: 'the disk is full' },
  EDQUOT: { ko: '이 사용자의 디스크 할당량을 모두 씀', en: "this user's share of the disk is used up" },
  EMFILE: { ko: '열린 파일이 너무 많음', en: 'too many files are open' },
  ELOOP: { ko: '심볼릭 링크가 서로를 가리킴', en: 'its links lead in a circle' },
  ENAMETOOLONG: { ko: '이름이 너무 김', en: 'the name is too long' },
  EIO: { ko: '디스크 입출력 오류', en: 'the disk failed' },
}
