import { describeSchema } from '../text/schema-words.ts'
import { type Leaf, leaves } from './leaves.ts'
import { valueWords } from './lines.ts'
import { personalKeys } from './schema.ts'

const head = `# Settings of kx. Copy what you want to change to one of
#   $XDG_CONFIG_HOME/kx/kxrc or ~/.kxrc   for you
#   <project>/.kxrc                       for one project
# Stronger beats weaker: built-in < your file < project < KX_* < flags. \`kx config\` shows what holds, and why.
# The values below are the built-in ones. Keys marked "yours" are refused in a project's file.
`

/** The text of \`.kxrc.example\`: every key with its meaning, what it may be and its built-in value. */
export function exampleText(): string {
  const lines = [head]
  let section = ''
  for (const leaf of leaves) {
    const group = leaf.path.length > 1 ? (leaf.path[0] ?? '') : ''
    if (group !== section && group !== '') lines.push(`${group}:`)
    section = group
    const indent = group === '' ? '' : '  '
    for (const note of notesOf(leaf)) lines.push(`${indent}# ${note}`)
    lines.push(`${indent}${leaf.path.at(-1)}: ${leaf.key === 'keys' ? '{}' : valueWords(leaf.initial)}`)
    if (indent === '') lines.push('')
    else if (leaves[leaves.indexOf(leaf) + 1]?.path[0] !== group) lines.push('')
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function notesOf(leaf: Leaf): readonly string[] {
  const type =
    leaf.key === 'keys' ? 'a map, for instance {run.archive: [A, g a], app.quit: null}' : describeSchema(leaf.schema)
  const able = (leaf.schema.def as { type: string }).type === 'nullable' ? ', or null' : ''
  const yours = personalKeys.has(leaf.key) ? 'Yours. ' : ''
  const variable = leaf.variable === null ? '' : ` ${leaf.variable}`
  return [
    `${leaf.about.charAt(0).toUpperCase()}${leaf.about.slice(1)}.`,
    `${yours}${type.charAt(0).toUpperCase()}${type.slice(1)}${able}.${variable}`,
  ]
}
