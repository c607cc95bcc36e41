import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attributes, Authorizer } from '../../contract.ts'
import { type PromptAuthorizer, withSettledAnswers } from './settled-answers.ts'

const about = (path: string): Attributes => ({ type: 'path', user: { name: 'jane', groups: [] }, verb: 'get', path })
const rulesFor: Authorizer['rulesFor'] = () => ({ resourceRules: [], nonResourceRules: [] })

function slow() {
  const asked: string[] = []
  const authorizer: Authorizer = {
    rulesFor,
    authorize: async (attributes) => {
      const path = attributes.type === 'path' ? attributes.path : ''
      asked.push(path)
      return { allowed: path.startsWith('/yes'), reason: '' }
    },
  }
  return { asked, authorizer }
}

test('answers that take time are waited for, each question once', async () => {
  const { asked, authorizer } = slow()
  const may = (prompt: PromptAuthorizer, path: string) => prompt.authorize(about(path)).allowed
  const result = await withSettledAnswers(authorizer, (prompt) => (may(prompt, '/yes/1') ? may(prompt, '/yes/2') : may(prompt, '/no')))
  assert.equal(result, true)
  assert.deepEqual(asked.sort(), ['/no', '/yes/1', '/yes/2'])
})
test('a run that fails for want of an answer is run again', async () => {
  const { authorizer } = slow()
  const result = await withSettledAnswers(authorizer, (prompt) => {
    const { error } = prompt.authorize(about('/yes'))
    if (error) throw new Error(error)
    return 'done'
  })
  assert.equal(result, 'done')
})
test('what answers at once runs once', async () => {
  let runs = 0
  const authorizer: Authorizer = { rulesFor, authorize: () => ({ allowed: true, reason: '' }) }
  await withSettledAnswers(authorizer, (prompt) => {
    runs++
    return prompt.authorize(about('/'))
  })
  assert.equal(runs, 1)
})
test('questions without end come to an end', async () => {
  const { authorizer } = slow()
  let n = 0
  const last = await withSettledAnswers(authorizer, (prompt) => prompt.authorize(about(`/${n++}`)))
  assert.match(last.error ?? '', /not answered yet/)
})
