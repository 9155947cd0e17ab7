import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ActResult } from '../run/act.ts'
import { showChord } from './chord.ts'
import { allCommands } from './list/all.ts'
import type { CommandEnvironment, CommandSpec } from './types.ts'

const escapeCell = (text: string) => text.replaceAll('|', '\\|')
const keysOf = (spec: CommandSpec) => (spec.keys ?? []).map((k) => `\`${showChord(k)}\``).join(' ')

function table(specs: readonly CommandSpec[]): string[] {
  return [
    '| Key | Does | `:` line | kx |',
    '|---|---|---|---|',
    ...specs.map(
      (s) =>
        `| ${escapeCell(keysOf(s))} | **${s.title}**: ${escapeCell(s.description)} | \`:${s.id}\` | ${s.cli === undefined ? '' : `\`kx ${s.cli.join(' ')}\``} |`,
    ),
  ]
}

/** The key table, made from the registry: everywhere first, then screen by screen. */
export function keyTable(): string {
  const { specs } = allCommands()
  const screens = [...new Set(specs.flatMap((s) => (s.where === 'global' ? [] : s.where)))]
  const lines = [
    '# Keys and commands',
    '',
    'Made from the command registry by `npm run docs`; do not edit by hand.',
    '',
    '## Everywhere',
    '',
    ...table(specs.filter((s) => s.where === 'global')),
  ]
  for (const screen of screens) {
    lines.push(
      '',
      `## On ${screen}`,
      '',
      ...table(specs.filter((s) => s.where !== 'global' && s.where.includes(screen))),
    )
  }
  for (const { title, innerKeys } of specs) {
    if (innerKeys === undefined) continue
    const rows = innerKeys.map(([chord, does]) => `| \`${showChord(chord)}\` | ${escapeCell(does)} |`)
    lines.push('', `## In: ${title}`, '', '| Key | Does |', '|---|---|', ...rows)
  }
  const rest = specs.filter((s) => s.where !== 'global' && s.where.length === 0)
  if (rest.length > 0) lines.push('', '## From the shell only', '', ...table(rest))
  return `${lines.join('\n')}\n`
}

/** The short table of the README: what a newcomer needs. */
export function shortKeyTable(): string {
  const { specs } = allCommands()
  const wanted = specs.filter(
    (s) =>
      s.hint !== undefined ||
      s.id.startsWith('move.') ||
      ['go.back', 'view.zoom', 'view.copy', 'app.repaint', 'walk.auto', 'item.override'].includes(s.id),
  )
  const seen = new Map<string, string[]>()
  for (const s of wanted)
    seen.set(`${keysOf(s)}|${s.title}`, [
      ...(seen.get(`${keysOf(s)}|${s.title}`) ?? []),
      ...(s.where === 'global' ? ['everywhere'] : s.where),
    ])
  const rows = [...seen].map(([key, where]) => {
    const [keys = '', title = ''] = key.split('|')
    return `| ${keys} | ${title} | ${[...new Set(where)].join(', ')} |`
  })
  return ['| Key | Does | Where |', '|---|---|---|', '| `1` … `7` | Go to a phase | everywhere |', ...rows].join('\n')
}

const begin = '<!-- keys: made by npm run docs -->'
const end = '<!-- end of keys -->'

/** `kx docs keys`: prints the table, or writes it into docs/keys.md and the README. */
export async function keyDocs(env: CommandEnvironment, args: { readonly write: boolean }): Promise<ActResult> {
  if (!args.write) return { summary: '', exitCode: 0, data: null, lines: keyTable().split('\n') }
  await writeFile(join(env.projectFolder, 'docs', 'keys.md'), keyTable())
  const readme = join(env.projectFolder, 'README.md')
  const text = await readFile(readme, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) return { summary: 'README.md has no place for the key table', exitCode: 1, data: null }
  await writeFile(readme, `${text.slice(0, from + begin.length)}\n${shortKeyTable()}\n${text.slice(to)}`)
  return { summary: 'wrote docs/keys.md and the table of README.md', exitCode: 0, data: null }
}
