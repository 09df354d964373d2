import t from 'tap'
import { createRetryBudget } from '../../../src/gateway/http/retry-budget.ts'

t.test('a fresh upstream has ten retries, after that one in ten requests earns one', async t => {
  const budget = createRetryBudget()
  for (let n = 0; n < 10; n++) t.ok(budget.spend('a'))
  t.notOk(budget.spend('a'))
  t.ok(budget.spend('b'), 'each upstream has its own')
  for (let n = 0; n < 11; n++) budget.earn('a')
  t.ok(budget.spend('a'))
  t.notOk(budget.spend('a'))
})
