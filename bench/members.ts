import type { Sql } from '#platform/database'

/** What a member says of itself; the texts of a number are the same in every run. */
interface Texts {
  readonly nickname: string
  readonly email: string
  readonly bio: string | null
}

const chunk = 10_000

/** People who sign in, with nicknames and bios as people write them in Korea, and Latin ones among them. */
export async function plantPeople(sql: Sql, count: number): Promise<void> {
  // Filled row by row, the index of pieces takes most of the time.
  const [index] = await sql.rows<{ definition: string }>(
    `select pg_get_indexdef('identity.member_people_terms'::regclass) as definition`,
  )
  await sql.run('drop index identity.member_people_terms')
  for (let from = 0; from < count; from += chunk)
    await insertPeople(sql, { from, count: Math.min(chunk, count - from) })
  await sql.run(index!.definition)
}

async function insertPeople(sql: Sql, { from, count }: { from: number; count: number }): Promise<void> {
  const texts = Array.from({ length: count }, (_, at) => textsOf(from + at))
  await sql.run(
    `with made as (
       insert into identity.member (id, email, nickname, bio, wallet_id, created_at)
       select ('01900000-0000-7000-8000-' || lpad(to_hex($1 + n), 12, '0'))::uuid, t.email, t.nickname, t.bio,
         ('01900000-0000-7000-9000-' || lpad(to_hex($1 + n), 12, '0'))::uuid, timestamptz '2026-01-01'
       from unnest($2::text[], $3::text[], $4::text[]) with ordinality t (nickname, email, bio, n)
       returning id
     )
     insert into identity.login (member_id, nickname_key) select id, id::text from made`,
    [from, texts.map((it) => it.nickname), texts.map((it) => it.email), texts.map((it) => it.bio)],
  )
}

/** The texts of the member with this number. */
export function textsOf(number: number): Texts {
  const draw = drawing(number + 1)
  const nickname = draw(3) === 0 ? latinName(draw) : koreanName(draw)
  const email = `${latinName(draw).replaceAll(' ', '.').toLowerCase()}${number}@example.com`
  return { nickname, email, bio: draw(10) < 7 ? bioBy(draw) : null }
}

type Draw = (below: number) => number

/** Numbers below a bound, always the same after the same seed (mulberry32, with the first ones mixed well). */
export function drawing(seed: number): Draw {
  let state = Math.imul(seed, 0x9e3779b1)
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const koreanName = (draw: Draw): string => {
  const person = pick(draw, surnames) + pick(draw, firstSyllables) + pick(draw, lastSyllables)
  const animal = pick(draw, adjectives) + (draw(2) === 0 ? ' ' : '') + pick(draw, nouns)
  const stem = draw(2) === 0 ? person : animal
  return draw(3) === 0 ? `${stem}${draw(1_000)}` : stem
}

const latinName = (draw: Draw): string => {
  const parts = [pick(draw, latinFirst), pick(draw, latinLast)]
  return `${parts.join(['', '.', '_', ' '][draw(4)])}${draw(2) === 0 ? draw(100) : ''}`.slice(0, 20)
}

const bioBy = (draw: Draw): string => {
  const sentences = Array.from({ length: 1 + draw(3) }, () =>
    draw(5) === 0
      ? `${pick(draw, latinFirst)} likes ${pick(draw, latinLast)} and ${pick(draw, latinLast)}.`
      : `${pick(draw, adjectives)} ${skewed(draw, nouns)}${pick(draw, particles)} ${pick(draw, endings)}`,
  )
  return [...sentences, draw(3) === 0 ? `${pick(draw, firstSyllables)}${pick(draw, lastSyllables)}동 살아요` : '']
    .filter(Boolean)
    .join(' ')
}

function pick(draw: Draw, words: readonly string[]): string {
  return words[draw(words.length)]!
}

/** The first words of a list more often than the last, as words of a language are. */
function skewed(draw: Draw, words: readonly string[]): string {
  return words[Math.min(draw(words.length), draw(words.length), draw(words.length))]!
}

const split = (text: string) => text.split(' ')
const syllables = (text: string) => [...text]

// A surname as often as in life: one in five is 김.
const surnames = syllables(
  '김김김김김김김김김김이이이이이이이박박박박최최정정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구나민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용',
)
const firstSyllables = syllables(
  '민서지하윤도예시주건우수현은채유재성동승정영태준호진상혁기찬경선미혜나다라소가연세원인종규보아형희해슬온솔봄별빛찬결율담샘겸엘루이안하',
)
const lastSyllables = syllables(
  '준윤우원호후서연아은진현민수빈영희경숙자미정성훈석철식환용규태욱혁찬율결온린나라담솔이한람겸슬하늘봄빛샘돌길섭균범옥란심춘월매',
)
const adjectives = split(
  '푸른 달콤한 행복한 느긋한 빠른 조용한 즐거운 새로운 따뜻한 시원한 졸린 배고픈 용감한 씩씩한 작은 커다란 반짝이는 춤추는 노래하는 걷는 달리는 꿈꾸는 웃는 매일 가끔 아침에 저녁에 주말마다 혼자 함께 천천히 열심히',
)
const nouns = split(
  '커피 포도 고양이 강아지 책 산책 여행 운동 음악 영화 사진 요리 등산 자전거 공부 그림 게임 빵 차 바다 하늘 숲 별 달 구름 나무 꽃 토끼 여우 곰 사자 펭귄 고래 다람쥐 부엉이 참새 딸기 복숭아 수박 감귤 사과 떡볶이 김치 라면 만두 국수 챌린지 요가 필라테스 수영 축구 야구 농구 배드민턴 캠핑 낚시 뜨개질 도자기 서예 피아노 기타 드럼 연극 뮤지컬 전시회 박물관 도서관 시장 골목 정원 텃밭 화분 선인장 별자리 천문학 수학 물리 철학 역사 외국어 번역 글쓰기 일기 편지 우표 퍼즐 바둑 장기 체스 보드게임 마라톤 철인삼종 클라이밍 서핑 스키 썰매 스케이트 승마 양궁 펜싱 태권도 검도 씨름',
)
const particles = syllables('을도만과의')
const endings = split(
  '좋아해요. 사랑합니다. 즐겨요! 하고있어요. 시작했어요. 배우는중입니다. 자주합니다. 기록합니다. 모읍니다. 찾아요.',
)
const latinFirst = split(
  'anna ben chris dana eric fiona grace henry iris jack kate leo mina noah olive paul quinn ryan sara tom uma vera will xena yuna zoe coffee grape happy lazy sunny blue red green little big fast slow quiet brave Jiwoo Minsu Haneul Seoul Busan Jeju',
)
const latinLast = split(
  'kim lee park choi jung kang cho yoon jang lim cat dog fox bear lion tiger whale rabbit panda koala otter walker runner reader writer maker baker singer dancer dreamer lover hunter ranger pilot music books movies coffee tea bread cheese apples cherries oranges mountains rivers oceans clouds stars moons',
)
