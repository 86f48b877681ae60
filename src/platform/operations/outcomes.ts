import type { Answer } from '../create-once.ts'
import { Problem, renderProblem } from '../problem.ts'
import type { Outcome } from './operations.ts'

/** What an answer, or a refusal, is as the outcome of an operation. */
export function outcomeOf(result: Pick<Answer, 'status' | 'body'> | Problem): Outcome {
  if (!(result instanceof Problem)) return { status: result.status, body: result.body }
  const { kind, params, errors } = result
  return { problem: { kind, params, ...(errors ? { errors } : {}) } }
}

/** What the request would have been answered. */
export function statusOf(outcome: Outcome): number {
  return 'problem' in outcome ? outcome.problem.kind.status : outcome.status
}

/** As it is stored; a later version gets a reader of its own beside this one. */
export function toStoredOutcome(outcome: Outcome): string {
  return JSON.stringify('problem' in outcome ? { v: 1, problem: outcome.problem } : { v: 1, body: outcome.body })
}

/** JSON text of what the request would have been answered: to the byte what it was, and a refusal as its reader reads. */
export function renderOutcome(
  { status, outcome }: { status: number; outcome: string },
  reader: Parameters<typeof renderProblem>[1],
): string {
  const stored = JSON.parse(outcome) as Extract<Outcome, { problem: unknown }> | { body: string }
  const body =
    'body' in stored ? stored.body : JSON.stringify(renderProblem({ errors: undefined, ...stored.problem }, reader))
  return `{"status":${status},"body":${body}}`
}
