/** A text in each language of the house; `{name}` stands for a parameter of the problem. */
export interface Text {
  readonly ko: string
  readonly en: string
}

export type Language = keyof Text

/** One way to refuse: its page, its status and what it says. */
export interface ProblemKind {
  /** Path under /problems/, which is also its documentation page. */
  readonly type: string
  readonly status: number
  readonly title: Text
  readonly detail: Text
}

export type ProblemParams = Readonly<Record<string, string | number | boolean | null>>

export interface FieldError {
  /** JSON pointer (RFC 6901) of the field that is wrong or missing. */
  readonly pointer: string
  readonly detail: Text
}

/** A refusal that the caller can do something about; everything else that is thrown is a bug. */
export class Problem extends Error {
  readonly kind: ProblemKind
  readonly params: ProblemParams
  readonly errors: readonly FieldError[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    kind: ProblemKind,
    options: { params?: ProblemParams; errors?: readonly FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(kind.type)
    this.name = 'Problem'
    this.kind = kind
    this.params = options.params ?? {}
    this.errors = options.errors
    this.headers = options.headers ?? {}
  }
}

/** Whether somebody was told to come again: there is no room just now, or what it takes is away, for all alike. */
export function saysLater(error: unknown): boolean {
  return error instanceof Problem && error.kind.status === 503
}

/** Declares the problems of a room; the type of each is `/problems/<room>/<name in kebab case>`. */
export function defineProblems<Name extends string>(
  room: string,
  kinds: Record<Name, Omit<ProblemKind, 'type'>>,
): Readonly<Record<Name, ProblemKind>> {
  const defined = {} as Record<Name, ProblemKind>
  for (const name of Object.keys(kinds) as Name[]) {
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    defined[name] = Object.freeze({ type: `/problems/${room}/${kebab}`, ...kinds[name] })
  }
  return Object.freeze(defined)
}

/** The problem as RFC 9457 `application/problem+json` in the reader's language; parameters become members. */
export function renderProblem(
  problem: Pick<Problem, 'kind' | 'params' | 'errors'>,
  reader: { language: Language; instance: string },
): Record<string, unknown> {
  const { kind, params, errors } = problem
  return {
    type: kind.type,
    title: kind.title[reader.language],
    status: kind.status,
    detail: fill(kind.detail[reader.language], params),
    instance: reader.instance,
    ...params,
    ...(errors ? { errors: errors.map((e) => ({ pointer: e.pointer, detail: e.detail[reader.language] })) } : {}),
  }
}

function fill(template: string, params: ProblemParams): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}
