import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/compare/digest.ts'
import { compareMarkdown } from '../../../src/compare/markdown.ts'
import { maskSettings } from '../../../src/compare/masked.ts'
import { compareRuns, usualOptions } from '../../../src/compare/model.ts'
import { Columns } from '../../../src/reader/columns.ts'

const canary = 'canary correct-horse 8231'
const values = (settings: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    maskSettings(Object.entries(settings).map(([key, value]) => ({ path: [key], value }))).map(({ path, value }) => [
      path.join('.'),
      value,
    ]),
  )

describe('settings that a tracker wrote down', () => {
  it('keep no value that its name or its look gives away, wherever it stands', () => {
    const kept = values({
      api_key: canary,
      password: 12_345_678,
      env: { WANDB_API_KEY: canary, LR: 0.1 },
      list: [{ client_secret: canary }],
      url: 'https://user:hunter2secret@example.org/x',
      note: `the key is hf_${'a1B2'.repeat(9)}`,
    })
    const said = JSON.stringify(kept)
    for (const each of [canary, 'correct-horse', '12345678', 'hunter2secret', 'a1B2a1B2'])
      expect(said).not.toContain(each)
    expect(kept.env).toMatchObject({ LR: 0.1 })
  })

  it('keep what only sounds like one', () => {
    const usual = {
      ...{ max_tokens: 4096, tokenizer: 'bert-base-uncased', pad_token: '[PAD]', eos_token: '</s>', num_tokens: 1e9 },
      ...{ key: 'val/acc', keys: ['a', 'b'], secret: null, use_auth_token: false, path: '/data/tokens.bin' },
    }
    expect(values(usual)).toEqual(usual)
  })

  it('are the same in two runs that differ by a key alone, and so are arguments', () => {
    const run = (secret: string) => {
      const columns = new Columns()
      columns.config(['api_key'], secret)
      columns.config(['lr'], 0.1)
      columns.facts({ args: ['--lr', '0.1', '--api-key', secret] })
      return {
        name: 'a',
        path: secret.length.toString(),
        format: 'jsonl' as const,
        digest: digestOf(columns),
        reports: [],
      }
    }
    const model = compareRuns([run(`${canary}1`), run(`${canary}-22`)], usualOptions)
    expect(model.config.changed).toEqual([])
    expect(compareMarkdown(model)).not.toContain('correct-horse')
  })
})
