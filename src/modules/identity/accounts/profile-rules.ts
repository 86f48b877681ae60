import type { FieldError, Text } from '#platform/problem'
import { isOfOneScript } from './names.ts'

/** Where and when it is: a day begins at midnight of the programme. */
export interface Clock {
  readonly now: Date
  readonly timeZone: string
}

/** What is wrong with what people write of themselves, beyond its form. */
export function findProfileMistakes(
  { nickname, birthOn }: { nickname?: string; birthOn?: string | null },
  clock: Clock,
): FieldError[] {
  const mistakes: FieldError[] = []
  if (nickname !== undefined && !isOfOneScript(nickname)) mistakes.push({ pointer: '/nickname', detail: texts.scripts })
  if (birthOn && !isBirthday(birthOn, clock)) mistakes.push({ pointer: '/birthOn', detail: texts.birthday })
  return mistakes
}

/** Days are compared as texts: both have four digits of a year. */
function isBirthday(birthOn: string, { now, timeZone }: Clock): boolean {
  const today = now.toTemporalInstant().toZonedDateTimeISO(timeZone).toPlainDate().toString()
  return `${birthYearMin}-01-01` <= birthOn && birthOn <= today
}

const birthYearMin = 1900

const texts = {
  scripts: {
    ko: '한 가지 문자로 지어 주십시오. 한글·한자·영문은 함께 쓸 수 있습니다.',
    en: 'Write it in one script; Hangul, Han and Latin go together.',
  },
  birthday: {
    ko: `${birthYearMin}년부터 오늘까지의 날짜여야 합니다.`,
    en: `Must be a day from ${birthYearMin} to today.`,
  },
} satisfies Record<string, Text>
