/** The text of a new recipe: every part of a cell is in it, and it changes nothing but a file of its own. */
export const newRecipe = (id: string): string => `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'

export const recipe = defineRecipe({
  id: '${id}',
  title: 'Mark a folder',
  runbook: {
    when: 'Say here in which trouble somebody opens this recipe.',
    touches: 'One file in the given folder.',
    back: 'Its undo removes that file: kx recipe undo.',
  },
  parameters: z.object({
    folder: z.string().default('/tmp').describe('folder on the host'),
  }),
  cells: [
    {
      name: 'look',
      title: 'Look at the folder',
      risk: 'read',
      timeoutSeconds: 30,
      run: async ({ $, parameters }) => {
        await $\`ls -ld -- \${parameters.folder}\`
      },
    },
    {
      name: 'mark',
      title: 'Put the mark there',
      risk: 'change',
      timeoutSeconds: 30,
      plan: async ({ host, parameters }) => {
        const path = \`\${parameters.folder}/${id}.mark\`
        const isThere = (await host.stat(path)) !== null
        return {
          change: isThere ? 'no' : 'yes',
          lines: [isThere ? \`\${path} is there\` : \`would write \${path}\`],
          foundBy: 'probe',
          targets: isThere ? [] : [path],
        }
      },
      probe: async ({ host, parameters }) =>
        (await host.stat(\`\${parameters.folder}/${id}.mark\`)) === null ? 'not-done' : 'done',
      run: async ({ host, targets, record }) => {
        await record('written', targets)
        for (const path of targets) await host.write(path, 'marked\\n')
        return { summary: \`\${targets.length} written\` }
      },
      undo: async ({ $, results }) => {
        for (const path of results.mark?.written ?? []) await $\`rm -f -- \${path}\`
      },
    },
  ],
})
`

/** Its test: \`node --test\` runs it, with the kx that is on the PATH or in KX. */
export const newRecipeTest = (
  id: string,
  parameters: readonly string[] = ['folder'],
): string => `import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const kx = (...words) =>
  JSON.parse(execFileSync(process.env.KX ?? 'kx', ['recipe', ...words, '--json'], { encoding: 'utf8' }))
const file = join(import.meta.dirname, '${id}.mjs')

test('${id} holds what a recipe has to hold', () => {
  const { data } = kx('check', file)
  assert.deepEqual(data.findings, [])
})

test('${id} asks for what it needs, and says how to get back', () => {
  const { data } = kx('show', file)
  assert.deepEqual(data.parameters.map((each) => each.name), ${JSON.stringify(parameters)})
  assert.match(data.runbook.back, /undo/)
})
`
