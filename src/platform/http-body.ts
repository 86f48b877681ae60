import { isUtf8 } from 'node:buffer'
import { invalidRequest } from './http-problems.ts'
import type { FieldError, Problem, Text } from './problem.ts'

const depthMax = 32
const errorsMax = 100

/**
 * The JSON object or array of a body; undefined when it is empty. Throws the 400 for text that is no JSON or no UTF-8,
 * and for values that could not be stored and answered as they came: numbers beyond what a double keeps exactly,
 * U+0000, lone surrogates, names that reach for a prototype, and nesting that would exhaust a stack.
 */
export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw bodyProblem(texts.notUtf8)
  const text = bytes.toString('utf8')
  const hasEscapes = text.includes('\\u')
  let body: unknown
  try {
    body = oddNumber.test(text) ? parseWithSource(text) : JSON.parse(text)
  } catch {
    throw bodyProblem(texts.malformed)
  }
  if (typeof body !== 'object' || body === null) throw bodyProblem(texts.notObject)
  if (!isClean(body, depthMax, hasEscapes)) throw invalidRequest(findMistakes(body))
  return body
}

// A number of 16 digits or more, or with an exponent: every shorter one survives a double unchanged (DBL_DIG is 15).
// It may also match inside a string, which only costs the slower parse.
const oddNumber = /[:,[\s]-?(?:\d[\d.]{15}|[\d.]+[eE])/

/** Stands for a number that a double cannot keep, until the walk has found where it is. */
const inexact = Symbol('inexact')

type ParseWithSource = (text: string, reviver: (k: string, v: unknown, c: { source?: string }) => unknown) => unknown

function parseWithSource(text: string): unknown {
  return (JSON.parse as ParseWithSource)(text, (_name, value, { source }) => {
    return typeof value === 'number' && source !== undefined && !isExact(source, value) ? inexact : value
  })
}

/** Whether a literal means the same as the number that was made of it: 1e3 is 1000, 1e400 is not a number. */
function isExact(source: string, value: number): boolean {
  return Number.isFinite(value) && normalise(source) === normalise(String(value))
}

/** The digits of a decimal without leading and trailing zeros, and the exponent of the first. */
function normalise(literal: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal)
  if (!match) return literal
  const [, , whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  const place = digits.length - fraction.length + Number(exponent)
  return `${match[1]}${digits.replace(/0+$/, '')}e${place}`
}

function isClean(value: unknown, depthLeft: number, hasEscapes: boolean): boolean {
  if (typeof value === 'string') return !hasEscapes || isStorable(value)
  if (typeof value !== 'object' || value === null) return value !== inexact
  if (depthLeft === 0) return false
  if (Array.isArray(value)) return value.every((item) => isClean(item, depthLeft - 1, hasEscapes))
  for (const name of Object.keys(value)) {
    if (isPoisonous(name, value) || (hasEscapes && !isStorable(name))) return false
    if (!isClean((value as Record<string, unknown>)[name], depthLeft - 1, hasEscapes)) return false
  }
  return true
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000')
}

function isPoisonous(name: string, object: object): boolean {
  if (name === '__proto__') return true
  if (name !== 'constructor') return false
  const value = (object as Record<string, unknown>).constructor
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype')
}

/** Every mistake that `isClean` stops at, with its pointer. */
function findMistakes(body: object): FieldError[] {
  const errors: FieldError[] = []
  const visit = (value: unknown, pointer: string, depthLeft: number): void => {
    if (errors.length >= errorsMax) return
    if (value === inexact) errors.push({ pointer, detail: texts.inexact })
    if (typeof value === 'string' && !isStorable(value)) errors.push({ pointer, detail: texts.notStorable })
    if (typeof value !== 'object' || value === null) return
    if (depthLeft === 0) return void errors.push({ pointer, detail: texts.tooDeep })
    for (const [name, item] of Object.entries(value)) {
      const place = `${pointer}/${escapePointer(name)}`
      if (!Array.isArray(value) && isPoisonous(name, value)) errors.push({ pointer: place, detail: texts.poisonous })
      else if (!isStorable(name)) errors.push({ pointer: place.toWellFormed(), detail: texts.notStorable })
      else visit(item, place, depthLeft - 1)
    }
  }
  visit(body, '', depthMax)
  return errors
}

/** A name as a token of a JSON pointer (RFC 6901). */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function bodyProblem(detail: Text): Problem {
  return invalidRequest([{ pointer: '', detail }])
}

const texts = {
  notUtf8: { ko: '본문은 UTF-8이어야 합니다.', en: 'The body must be UTF-8.' },
  malformed: { ko: '본문이 올바른 JSON이 아닙니다.', en: 'The body is not valid JSON.' },
  notObject: { ko: '본문은 JSON 객체여야 합니다.', en: 'The body must be a JSON object.' },
  inexact: { ko: '정확히 나타낼 수 없는 숫자입니다.', en: 'This number cannot be kept exactly.' },
  notStorable: {
    ko: 'U+0000이나 짝이 없는 서로게이트는 쓸 수 없습니다.',
    en: 'U+0000 and lone surrogates are not allowed.',
  },
  poisonous: { ko: '쓸 수 없는 이름입니다.', en: 'This name is not allowed.' },
  tooDeep: { ko: `${depthMax}단계보다 깊이 중첩할 수 없습니다.`, en: `Nested deeper than ${depthMax} levels.` },
} satisfies Record<string, Text>
