/** One entry of the prompt, as it was typed. */
export type SavedEntry =
  | { readonly kind: 'shell'; readonly where: 'host' | 'here'; readonly line: string }
  | { readonly kind: 'command'; readonly id: string; readonly args: unknown; readonly text: string }
  | { readonly kind: 'code'; readonly source: string }

/** Names that only the prompt has. */
const ofPromptOnly =
  /(?<![.\w$])(?:sh|on|use|hosts|runs|samples|compare|table|chart|cells|plan|profile|_|__|_error|_\d+)(?![\w$])\s*(?=[([.;`]|$)/

/** Why an entry cannot stand in a recipe; null where it can. */
export function whyNotInRecipe(entry: SavedEntry): string | null {
  if (entry.kind !== 'code') return null
  const found = ofPromptOnly.exec(entry.source)?.[0].trim()
  return found === undefined ? null : `${found} is of the prompt only: use $\`…\`, host or kx(…) of a recipe`
}

const titleOf = (text: string) => JSON.stringify((text.split('\n')[0] ?? '').slice(0, 70))
/** The text of a template that gives the line back as it was. */
const templateOf = (line: string) => line.replace(/[\\`]|\$\{/g, (found) => `\\${found}`)

function bodyOf(entry: SavedEntry): string {
  if (entry.kind === 'shell') return `await ${entry.where === 'here' ? 'local$' : '$'}\`${templateOf(entry.line)}\``
  if (entry.kind === 'command')
    return `const { exitCode, summary } = await kx(${JSON.stringify(entry.id)}, ${JSON.stringify(entry.args)})
        if (exitCode !== 0) fail(summary)`
  return entry.source.split('\n').join('\n        ')
}

/** Entries of code stay together: what one declares the next one uses. */
function grouped(entries: readonly SavedEntry[]): readonly (readonly SavedEntry[])[] {
  const groups: SavedEntry[][] = []
  for (const entry of entries) {
    const last = groups.at(-1)
    if (entry.kind === 'code' && last?.[0]?.kind === 'code') last.push(entry)
    else groups.push([entry])
  }
  return groups
}

/** The text of a recipe that does what was entered, a cell for each command and for each run of code. */
export function recipeFromEntries(id: string, entries: readonly SavedEntry[]): string {
  const wordsOf = (entry: SavedEntry) =>
    entry.kind === 'shell' ? entry.line : entry.kind === 'command' ? entry.text : entry.source
  const cells = grouped(entries).map((group, at) => {
    const title = titleOf(group.map(wordsOf).join('; '))
    return `    {
      name: 'step-${at + 1}',
      title: ${title},
      risk: 'change',
      timeoutSeconds: 3600,
      // It was typed at the prompt, and nobody has said yet what it changes: say it here.
      plan: async () => ({ change: 'unknown', lines: [${title}], foundBy: 'declared' }),
      probe: async () => 'unknown',
      run: async ({ $, local$, host, run, parameters, kx, say, fail, record, results }) => {
        ${group.map(bodyOf).join('\n        ')}
      },
      undo: async ({ fail }) => fail('nothing is written here to take this step back', 'Take it back by hand, or write it down in undo.'),
    },
`
  })
  return `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'

export const recipe = defineRecipe({
  id: '${id}',
  title: 'Entries of the prompt',
  runbook: {
    when: 'Say here in which trouble somebody opens this recipe.',
    touches: 'What its steps touch: read them, and say it here.',
    back: 'By hand: undo is not written yet.',
  },
  parameters: z.object({}),
  cells: [
${cells.join('')}  ],
})
`
}
