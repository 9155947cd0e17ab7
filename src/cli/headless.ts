import { Argument, Command, CommanderError, Option } from 'commander'
import type { z } from 'zod'
import { baseType, choicesOf, looseFlags, validateArgs } from '../commands/line.ts'
import { allCommands } from '../commands/list/all.ts'
import type { CommandEnvironment, CommandSpec, ScreenId } from '../commands/types.ts'
import type { ActResult, Progress } from '../run/act.ts'
import { attend, closeHosts, keepHostsOpen, links } from '../session/hosts.ts'
import { type LinkView, linkData, linkWords } from '../session/link-words.ts'
import { terminalAsker } from './asker.ts'
import { flagSettings, type Globals } from './globals.ts'
import { loginName } from './login.ts'
import { learnSecrets, maskNow, maskTexts } from './masking.ts'
import { plainResult } from './print.ts'

export interface HeadlessRequest {
  readonly projectFolder: string
  readonly globals: Globals
  readonly words: readonly string[]
  readonly globalHelp: readonly (readonly [string, string])[]
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

function optionFor(name: string, schema: z.ZodType): Option {
  const isFlag = baseType(schema) === 'boolean'
  const option = new Option(
    isFlag ? `--${kebab(name)}` : `--${kebab(name)} <${baseType(schema)}>`,
    schema.description ?? '',
  )
  const choices = choicesOf(schema)
  if (choices.length > 0) option.choices([...choices])
  if (baseType(schema) === 'number') option.argParser((text) => (text.trim() === '' ? text : Number(text)))
  if (baseType(schema) === 'array') option.argParser((text) => text.split(','))
  return option
}

function progressPrinter(isQuiet: boolean): (progress: Progress) => void {
  return (progress) => {
    if (isQuiet || progress.item !== undefined || progress.text === '') return
    process.stderr.write(`${maskNow(progress.text)}\n`)
  }
}

/** Signals that end a command, with the exit code that shells give each. */
const endSignals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

async function runSpec(request: HeadlessRequest, spec: CommandSpec, raw: Record<string, unknown>): Promise<number> {
  const checked = validateArgs(spec, raw)
  if (!checked.ok) {
    process.stderr.write(`kx: ${checked.text}\n`)
    return 2
  }
  const abort = new AbortController()
  // Whoever ends kx ends the process groups that it started: a unit of the smoke must not train on alone.
  let endedBy: keyof typeof endSignals | null = null
  const interrupt = (signal: NodeJS.Signals) => {
    endedBy ??= signal as keyof typeof endSignals
    abort.abort(new Error('interrupted'))
  }
  for (const signal of Object.keys(endSignals)) process.on(signal, interrupt)
  const { ask, needsPerson, needs, person } = terminalAsker(
    { input: process.stdin, output: process.stderr },
    loginName(),
  )
  const env: CommandEnvironment = {
    projectFolder: request.projectFolder,
    via: 'cli',
    who: loginName(),
    runId: request.globals.run,
    settings: flagSettings(request.globals),
    signal: abort.signal,
    ask,
    progress: progressPrinter(request.globals.json || process.stderr.isTTY !== true),
    ...(request.globals.json ? {} : { print: (line) => process.stdout.write(`${line}\n`) }),
    openRun: () => {},
  }
  // One link for all acts of a walk: each would log in anew.
  keepHostsOpen(hostsIdleMs)
  attend(person)
  let left: readonly LinkView[] = []
  let result: ActResult
  try {
    if (spec.id === 'app.view') {
      result = await printScreen(request, checked.parsed.args as Parameters<typeof printScreen>[1])
    } else if (spec.id === 'prompt.open') {
      const { runPrompt } = await import('./prompt-loop.ts')
      result = await runPrompt({ env, isAscii: request.globals.ascii, isJson: request.globals.json })
    } else if (spec.run === undefined) {
      process.stderr.write(`kx: ${spec.id} works in the workbench only; start kx without words\n`)
      return 2
    } else result = await spec.run(env, checked.parsed.args)
  } catch (error) {
    if (abort.signal.aborted) {
      process.stderr.write('kx: interrupted; what was done so far is recorded\n')
      return endSignals[endedBy ?? 'SIGINT']
    }
    const { problemOf } = await import('./problem.ts')
    await learnSecrets()
    const found = problemOf(error)
    const problem = { ...found, text: maskNow(found.text) }
    const exitCode = needsPerson() ? 3 : problem.exitCode
    if (request.globals.json)
      process.stdout.write(`${JSON.stringify({ ok: false, error: problem.text, exitCode, ...needFields(needs()) })}\n`)
    else for (const text of [problem.text, ...needs()]) process.stderr.write(`kx: ${text}\n`)
    return exitCode
  } finally {
    for (const signal of Object.keys(endSignals)) process.removeListener(signal, interrupt)
    left = links.all()
    await closeHosts()
  }
  await learnSecrets()
  const exitCode = abort.signal.aborted
    ? endSignals[endedBy ?? 'SIGINT']
    : needsPerson() && result.exitCode !== 0
      ? 3
      : result.exitCode
  if (request.globals.json) {
    process.stdout.write(
      `${JSON.stringify({ ok: exitCode === 0, exitCode, summary: maskNow(result.summary), data: maskTexts(result.data ?? null), ...linkFields(left), ...needFields(needs()) }, null, 2)}\n`,
    )
  } else {
    const lines = [...plainResult(result, request.globals.ascii), ...linkLines(left)]
    if (lines.length > 0) process.stdout.write(`${maskNow(lines.join('\n'))}\n`)
    for (const text of needs()) process.stderr.write(`kx: ${text}\n`)
  }
  return exitCode
}

/** A link that nobody used for so long is given up. */
const hostsIdleMs = 10 * 60_000

/** How the links stood at the end, for a script; nothing where there were none. */
const linkFields = (left: readonly LinkView[]) =>
  left.length === 0 ? {} : { links: left.map((link) => linkData(link, Date.now())) }

/** For a script: what only a person could have given. */
const needFields = (needs: readonly string[]) => (needs.length === 0 ? {} : { needs })

/** For a person: what is not up. */
const linkLines = (left: readonly LinkView[]) =>
  left
    .filter((link) => link.status.state !== 'up')
    .map(
      (link) =>
        `${link.host}: ${linkWords(link, Date.now())}${link.status.reason === '' ? '' : `. ${link.status.reason}`}`,
    )

/** A screen as lines, read and then let go of. */
async function printScreen(
  request: HeadlessRequest,
  args: { readonly screen: ScreenId; readonly width: number; readonly view?: string; readonly metric?: string },
): Promise<ActResult> {
  const [{ viewScreen }, { createWorkspace }] = await Promise.all([
    import('../../screens/workbench/view.ts'),
    import('./workspace.ts'),
  ])
  const troubles: string[] = []
  const workspace = createWorkspace({
    projectFolder: request.projectFolder,
    settings: flagSettings(request.globals),
    runId: request.globals.run,
    onTrouble: (text) => troubles.push(text),
  })
  try {
    await workspace.begin()
    const result = await viewScreen(workspace, args.screen, args.width, request.globals.ascii, args)
    return troubles.length === 0 ? result : { ...result, exitCode: 4, summary: troubles.join('; ') }
  } finally {
    workspace.close()
  }
}

/** Runs one command from argv, or prints the plain home and how to go on. Returns the exit code. */
export async function runHeadless(request: HeadlessRequest): Promise<number> {
  const { words, globals } = request
  if (globals.isVersion) {
    const { version } = await import('./version.ts')
    process.stdout.write(`kx ${version()}\n`)
    return 0
  }
  const registry = allCommands()
  if (words.length === 0 && !globals.isHelp) {
    const view = registry.get('app.view') as CommandSpec
    const code = await runSpec(request, view, { screen: globals.screen ?? 'home' })
    if (!globals.json && globals.screen === null) process.stdout.write(howToGoOn())
    return code
  }
  let exitCode = 0
  const program = new Command('kx')
  program
    .description('A workbench for remote-GPU runs: plan, audit, smoke, cost, launch, patrol, teardown.')
    .exitOverride()
    .helpCommand('help [command]', 'what a command does')
    .configureOutput({
      writeErr: (text) => process.stderr.write(text.replace(/^error: /, 'kx: ')),
      writeOut: (text) => process.stdout.write(text),
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `\nEverywhere:\n${request.globalHelp.map(([name, text]) => `  ${name.padEnd(20)} ${text}`).join('\n')}\n\nExit codes: 0 ok, 1 a finding or a refusal, 2 usage, 3 needs a person, 4 unknown, 130 interrupted.\n`,
    )
  const groups = new Map<string, Command>()
  for (const spec of registry.specs) {
    if (spec.cli === undefined) continue
    const parents = spec.cli.slice(0, -1)
    let parent = program
    for (const word of parents) {
      let group = groups.get(word)
      if (group === undefined) {
        group = parent.command(word).description(`${word}: see kx ${word} --help`).exitOverride()
        groups.set(word, group)
      }
      parent = group
    }
    const sub = parent
      .command(spec.cli.at(-1) ?? '', { isDefault: spec.isCliDefault === true })
      .description(`${spec.title}. ${spec.description}`)
      .exitOverride()
    const shape = spec.args.shape as Record<string, z.ZodType>
    const positional = spec.positional ?? []
    for (const [i, name] of positional.entries()) {
      const isList = i === positional.length - 1 && baseType(shape[name] as z.ZodType) === 'array'
      sub.addArgument(new Argument(isList ? `[${name}...]` : `[${name}]`, shape[name]?.description ?? ''))
    }
    for (const [name, schema] of Object.entries(shape))
      if (name !== spec.takesFlags) sub.addOption(optionFor(name, schema))
    if (spec.takesFlags !== undefined) sub.allowUnknownOption().allowExcessArguments()
    sub.action(async (...given: unknown[]) => {
      const raw: Record<string, unknown> = { ...(given[positional.length] as object) }
      positional.forEach((name, i) => {
        const value = given[i]
        if (value === undefined) return
        const type = baseType(shape[name] as z.ZodType)
        const words = Array.isArray(value) ? value.map(String) : [String(value)]
        if (type === 'array' && words.length === 0) return
        raw[name] =
          type === 'number' ? Number(value) : type === 'array' ? words.flatMap((word) => word.split(',')) : value
      })
      if (spec.takesFlags !== undefined) {
        const loose = looseFlags(sub.args.slice(positional.filter((_name, i) => given[i] !== undefined).length))
        if (loose === null) {
          process.stderr.write(`kx: one word too many for ${spec.id}\n`)
          exitCode = 2
          return
        }
        raw[spec.takesFlags] = loose
      }
      exitCode = await runSpec(request, spec, raw)
    })
  }
  // `kx teardown` alone is the first half of teardown; its two acts have words of their own; `kx fleet` shows the hosts.
  const [word, ...more] = words
  const isAlone = more.every((each) => each.startsWith('-'))
  const argv =
    isAlone && word === 'teardown'
      ? ['teardown', 'verify', ...more]
      : isAlone && word === 'fleet'
        ? ['fleet', 'show', ...more]
        : isAlone && word === 'cell'
          ? ['cell', 'list', ...more]
          : words
  try {
    await program.parseAsync(globals.isHelp ? ['--help'] : [...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  return exitCode
}

/** How this program is called by the person: in a clone it is reached through npm. */
function howToGoOn(): string {
  const isClone = process.env.npm_lifecycle_event === 'start'
  const kx = isClone ? 'npm start --' : 'kx'
  const row = (words: string, text: string) =>
    `  ${(words === '' ? (isClone ? 'npm start' : 'kx') : `${kx} ${words}`).padEnd(22)} ${text}`
  const rows = [
    row('', 'the workbench, on a terminal'),
    row('plan', 'check the plan and begin a run'),
    row('walk', 'every phase up to the gate that a person passes'),
    row('--help', 'every command'),
  ]
  return `\nHow to go on:\n${rows.join('\n')}\n`
}
