// npm run bench:notebook [-- --only open,keys,search,recipe,prompt] [--quick] [--cells 20000] [--bytes 1073741824]
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchNotebook, makeNotebook } from './notebook/make.ts'
import { keysOf, openings } from './notebook/open.ts'
import { recipeStarts } from './notebook/recipe.ts'
import { measurePrompt } from './notebook/repl.ts'
import { searches } from './notebook/search.ts'
import { spread, tidy } from './stats.ts'
import { takeFigures } from './take.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    cells: { type: 'string', default: '20000' },
    bytes: { type: 'string', default: String(1024 ** 3) },
    out: { type: 'string', default: resolve(import.meta.dirname, 'results/notebook.json') },
  },
})
const { quick } = values
const all: BenchNotebook[] = []
/** A gigabyte takes its time: only for the parts that look into it. */
const notebook = (): BenchNotebook => {
  const made = all[0] ?? makeNotebook(Number(values.cells), Number(values.bytes))
  if (all.length === 0) all.push(made)
  return made
}
try {
  await takeFigures({
    name: 'bench:notebook',
    parts: {
      open: () => openings(notebook(), quick ? 2 : 7),
      keys: () => keysOf(notebook(), quick ? 60 : 300),
      search: () => searches(notebook(), quick ? 2 : 7),
      recipe: () => recipeStarts(quick ? 2 : 9),
      prompt: async () => {
        const { startMs, resultMs } = await measurePrompt(quick ? 20 : 200)
        return { startMs: tidy(startMs), resultMs: spread(resultMs) }
      },
    },
    only: values.only,
    out: values.out,
    isQuick: quick,
  })
} finally {
  for (const made of all) made.remove()
}
