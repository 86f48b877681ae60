import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { CloudEvent } from '#platform/events/cloud-events'
import { root } from './architecture/sources.ts'

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
const checks = new Map<string, ValidateFunction>()

/** What is wrong with an event as a consumer sees it who has nothing but the committed schemas; null where nothing is. */
export function findEventMistake(event: CloudEvent): string | null {
  const { data, ...attributes } = event
  const wrong = isEnvelope(attributes) ? errorsOf(schemaOf(event), data) : ajv.errorsText(isEnvelope.errors)
  return wrong && `${event.type} ${event.id}: ${wrong}`
}

function schemaOf({ dataschema }: CloudEvent): ValidateFunction {
  const name = dataschema.slice(dataschema.lastIndexOf('/') + 1)
  const check = checks.get(name) ?? ajv.compile(JSON.parse(readFileSync(join(root, 'docs/events', name), 'utf8')))
  checks.set(name, check)
  return check
}

function errorsOf(check: ValidateFunction, value: unknown): string | null {
  return check(value) ? null : ajv.errorsText(check.errors)
}

// The attributes and their types by the specification of CloudEvents 1.0.2, and those extensions that we send.
const text = { type: 'string', minLength: 1 }
const isEnvelope = ajv.compile({
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema', 'partitionkey'],
  propertyNames: { pattern: '^[a-z0-9]{1,20}$' },
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string', pattern: '^evt_[0-9a-f]{32}$' },
    source: { ...text, format: 'uri-reference' },
    type: text,
    subject: text,
    time: { type: 'string', format: 'date-time' },
    datacontenttype: { const: 'application/json' },
    dataschema: { type: 'string', format: 'uri' },
    sequence: { type: 'string', pattern: '^[0-9]{16}$' },
    partitionkey: text,
  },
})
