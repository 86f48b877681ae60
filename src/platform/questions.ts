import { failureOf } from './database.ts'
import { openLane } from './lane.ts'
import { saysLater } from './problem.ts'

/**
 * Asks the database for a crowd at once: those who ask while an answer is under way travel together, in the order in
 * which they came. `ask` answers each question in its place. Throws what `ask` throws, and `overloaded` where too many
 * wait; of a failure that one question brings on, the others know nothing.
 */
export function askTogether<Question, Answer>(options: {
  readonly name: string
  ask(questions: readonly Question[]): Promise<readonly Answer[]>
  /** Questions to the database that may be under way at once: one, where nothing is said. */
  readonly slots?: number
}): (question: Question) => Promise<Answer> {
  const { name, ask, slots = 1 } = options
  const lane = openLane<Question, Answered<Answer>>({
    name,
    slots,
    batchSizeMax: 1_000,
    queueMax: 10_000,
    // As long as anybody waits for a connection.
    ageMaxMs: 5_000,
    waitingSlots: 0,
    contends: () => nothing,
    run: async (questions) => (await ask(questions)).map((answer) => ({ status: 'answered', answer })),
    classify: (error) => (isOfAll(error) ? 'fail' : 'split'),
  })
  return (question) => lane.submit(question).then(({ answer }) => answer)
}

/** Whether nobody can be answered just now: asked one by one, each would wait for as long. */
function isOfAll(error: unknown): boolean {
  return failureOf(error) === 'unavailable' || saysLater(error)
}

interface Answered<Answer> {
  readonly status: 'answered'
  readonly answer: Answer
}

const nothing: readonly string[] = []
