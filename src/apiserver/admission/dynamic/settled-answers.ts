/** Expressions ask authorizers, and cannot wait for one that must ask somebody else. */
import type { Asking, Attributes, Authorizer, Decision } from '../../contract.ts'

/** Answers at once, if only that it does not know yet. */
export type PromptAuthorizer = { authorize(attributes: Attributes): Decision }

/** Each round answers the questions that the last one asked for the first time. */
const roundsMax = 8
const unanswered: Decision = { allowed: false, reason: '', error: 'the authorizer has not answered yet' }

/**
 * Runs what evaluates expressions, and runs it again while it asks questions whose answers take time: once only where none do.
 * `run` must be pure. A question that leads to another more than seven times is answered with an error.
 */
export async function withSettledAnswers<T>(authorizer: Authorizer, run: (prompt: PromptAuthorizer) => T, asking?: Asking): Promise<T> {
  const answers = new Map<string, Decision>()
  for (let round = 1; ; round++) {
    const waiting: Promise<void>[] = []
    const prompt: PromptAuthorizer = {
      authorize: (attributes) => {
        const key = answers.size > 0 || waiting.length > 0 ? JSON.stringify(attributes) : ''
        const known = key === '' ? undefined : answers.get(key)
        if (known) return known
        const answer = authorizer.authorize(attributes, asking)
        if (!(answer instanceof Promise)) return answer
        waiting.push(answer.then((decision) => void answers.set(JSON.stringify(attributes), decision)))
        return unanswered
      },
    }
    const attempt = outcomeOf(() => run(prompt))
    if (waiting.length === 0 || round === roundsMax) return attempt()
    await Promise.all(waiting)
  }
}

function outcomeOf<T>(run: () => T): () => T {
  try {
    const value = run()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}
