import type { Text } from '#platform/problem'

const number = (value: number | bigint) => value.toLocaleString('en')

const linesOf = (lines: number) => `${number(lines)} ${lines === 1 ? 'line' : 'lines'}`

/** What `podo import` says. */
export const importTexts = {
  checking: { ko: '확인하는 중', en: 'Checking' },
  writing: { ko: '기록하는 중', en: 'Writing' },
  noText: {
    ko: '파일의 글자를 읽을 수 없습니다. UTF-8이나 CP949(EUC-KR)로 저장해 주십시오.',
    en: 'The text of the file cannot be read. Save it as UTF-8.',
  },
  decoded: {
    ko: '파일이 UTF-8이 아니어서 CP949(EUC-KR)로 읽었습니다.',
    en: 'The file is not UTF-8; it was read as CP949 (EUC-KR).',
  },
  dryRun: {
    ko: '확인만 했으며 아무것도 기록하지 않았습니다. 기록하려면 --apply를 붙여 다시 실행해 주십시오.',
    en: 'This was a check; nothing was written. To write it, run it again with --apply.',
  },
  begun: {
    ko: '이미 기록을 시작했던 파일입니다. 기록된 행은 다시 기록되지 않습니다.',
    en: 'This file was applied before, wholly or in part. What it wrote is not written again.',
  },
  changed: {
    ko: '확인한 뒤에 파일이 바뀌어 중단했습니다. 확인한 파일로 되돌린 다음 다시 실행해 주십시오.',
    en: 'The file was changed after the check, so this stopped. Put the file back as it was checked and run this again.',
  },
  wrongName: {
    ko: '--batch에는 글자, 숫자, 점, 밑줄, 붙임표를 100자까지 쓸 수 있습니다.',
    en: '--batch takes letters, digits, dots, underscores and hyphens, 100 at most.',
  },
  companyUnknown: (id: string): Text => ({
    ko: `회사(${id})를 찾을 수 없습니다. --company에 cmp_로 시작하는 ID를 적어 주십시오.`,
    en: `There is no company ${id}. Give its id, which begins with cmp_, as --company.`,
  }),
  count: (lines: number): Text => ({ ko: `${number(lines)} 행`, en: linesOf(lines) }),
  noFile: (path: string): Text => ({
    ko: `파일(${path})을 찾을 수 없습니다. 경로를 확인해 주십시오.`,
    en: `There is no file ${path}. Check the path.`,
  }),
  noPlainFile: (path: string): Text => ({
    ko: `두 번 읽을 수 있는 파일이 아닙니다(${path}). 먼저 확인하고 그다음 기록하므로 두 번 읽어야 합니다. 파일로 저장한 다음 다시 실행해 주십시오.`,
    en: `${path} is no file that can be read twice, to check and to write. Save it as a file, and run this again.`,
  }),
  unreadable: (path: string, code: string): Text => ({
    ko: `파일(${path})을 읽을 수 없습니다(${code}).`,
    en: `The file ${path} cannot be read (${code}).`,
  }),
  otherFile: (name: string): Text => ({
    ko: `이 회사는 이름이 "${name}"인 다른 파일을 이미 기록했습니다. 새로운 포인트라면 --batch로 다른 이름을 지정해 주십시오.`,
    en: `This company had another file under the name "${name}". If these are other points, name them by --batch.`,
  }),
  bad: (lines: number): Text => ({
    ko: `잘못된 행이 ${number(lines)}개 있어 아무것도 기록하지 않았습니다. 고친 다음 다시 실행해 주십시오.`,
    en: `${linesOf(lines)} ${lines === 1 ? 'is' : 'are'} wrong, so nothing was written. Correct that and run this again.`,
  }),
  summary: (it: {
    company: string
    lines: number
    members: number
    points: { paid: bigint; bonus: bigint }
  }): Text => ({
    ko: [
      `회사      ${it.company}`,
      `행        ${number(it.lines)}`,
      `회원      ${number(it.members)}`,
      `유상      ${number(it.points.paid)}포인트`,
      `무상      ${number(it.points.bonus)}포인트`,
    ].join('\n'),
    en: [
      `Company  ${it.company}`,
      `Lines    ${number(it.lines)}`,
      `Members  ${number(it.members)}`,
      `Paid     ${number(it.points.paid)} points`,
      `Bonus    ${number(it.points.bonus)} points`,
    ].join('\n'),
  }),
  applied: (it: { written: number; replayed: number; refused: number; seconds: number }): Text => ({
    ko: `${number(it.written)}개 행을 ${it.seconds.toFixed(1)}초 만에 기록했습니다. 이미 기록된 행 ${number(it.replayed)}개, 거절된 행 ${number(it.refused)}개.`,
    en: `${linesOf(it.written)} written in ${it.seconds.toFixed(1)} s, ${number(it.replayed)} were there already, ${number(it.refused)} refused.`,
  }),
}
