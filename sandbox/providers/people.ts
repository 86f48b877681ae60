/** Somebody who has an account at the stand-ins. */
export interface Sample {
  readonly number: number
  readonly nickname: string
  readonly email: string
}

/** Who can be chosen on the consent page. */
export const samples: readonly Sample[] = [
  { number: 1, nickname: '김포도', email: 'podo.kim@example.com' },
  { number: 2, nickname: '이머루', email: 'meoru.lee@example.com' },
  { number: 3, nickname: 'Grape Park', email: 'grape.park@example.com' },
]

/** The person of any number: everybody exists. */
export function findSample(number: number): Sample {
  return (
    samples.find((sample) => sample.number === number) ?? {
      number,
      nickname: `손님 ${number}`,
      email: `guest${number}@example.com`,
    }
  )
}
