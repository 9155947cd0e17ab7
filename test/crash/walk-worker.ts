/**
 * kx without a terminal, for crash tests: runs commands as the command line does, with a person who says yes to every
 * question. Each step of an act is a line on standard output, so that a parent can choose the moment of a kill.
 */
import { writeSync } from 'node:fs'
import { allCommands } from '../../src/commands/list/all.ts'
import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'

const [projectFolder = '', ...ids] = process.argv.slice(2)
const say = (value: unknown) => writeSync(1, `${JSON.stringify(value)}\n`)

const env: CommandEnvironment = {
  projectFolder,
  via: 'cli',
  who: 'ada',
  runId: null,
  settings: {},
  signal: new AbortController().signal,
  ask: { confirm: async () => true, typed: async (_, expected) => expected, text: async (_, initial) => initial },
  progress: ({ text }) => {
    if (text !== '') say({ progress: text })
  },
  openRun: () => {},
}

for (const each of ids) {
  // `id` or `id {"its":"arguments"}`.
  const [id = '', args = '{}'] = each.split(/ (.*)/s)
  const spec = allCommands().get(id) as CommandSpec
  const { exitCode, summary, data } = await (spec.run as NonNullable<CommandSpec['run']>)(
    env,
    spec.args.parse(JSON.parse(args)),
  )
  say({ command: id, exitCode, summary, ...(exitCode === 1 ? { data } : {}) })
}
