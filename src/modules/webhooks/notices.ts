import { tellTime } from '#platform/clock'
import type { Mail } from '#platform/mail'
import type { Language } from '#platform/problem'

/** An endpoint that was switched off because its receiver takes nothing. */
interface Notice {
  readonly companyName: string
  readonly url: string
  readonly reason: 'gone' | 'failing'
  readonly at: Date
}

/** What the owners of its company are told. */
export function writeNotice(notice: Notice, reader: { language: Language; timeZone: string }): Omit<Mail, 'to'> {
  const { companyName, url, reason, at } = notice
  const { subject, why, text } = texts[reader.language]
  return {
    subject: `[Podo] ${subject(companyName)}`,
    text: text({ companyName, url, why: why[reason], at: tellTime(at, reader) }),
  }
}

interface Told {
  readonly companyName: string
  readonly url: string
  readonly why: string
  readonly at: string
}

const texts = {
  ko: {
    subject: (company: string) => `${company}의 웹훅이 꺼졌습니다`,
    why: {
      gone: '받는 서버가 더는 없는 주소(410)라고 답했습니다.',
      failing: '사흘 동안 한 번도 성공하지 못했습니다.',
    },
    text: ({ companyName, url, why, at }: Told) => `안녕하세요.

${at}에 ${companyName}의 웹훅 엔드포인트를 껐습니다. ${why}

${url}

그동안 보내지 못한 이벤트는 30일 동안 보관합니다. 받는 서버를 고친 뒤 엔드포인트를 다시 켜고(status를 enabled로),
실패한 전송을 다시 보내 주십시오. 꺼져 있는 동안 생긴 이벤트는 보내지 않습니다.
`,
  },
  en: {
    subject: (company: string) => `A webhook of ${company} was switched off`,
    why: {
      gone: 'Its receiver answered that the address is gone (410).',
      failing: 'Nothing has succeeded for three days.',
    },
    text: ({ companyName, url, why, at }: Told) => `Hello,

A webhook endpoint of ${companyName} was switched off on ${at}. ${why}

${url}

Events that could not be sent are kept for 30 days. Mend the receiver, enable the endpoint again (set its status to
enabled), and redrive the deliveries that failed. What happens while it is off is not sent.
`,
  },
}
