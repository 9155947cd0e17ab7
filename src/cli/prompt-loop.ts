import { createInterface } from 'node:readline'
import { allCommands } from '../commands/list/all.ts'
import { openPrompt, plainLine } from '../commands/repl-eval.ts'
import type { CommandEnvironment } from '../commands/types.ts'
import type { DisplayLine, Entered, OpenPrompt } from '../repl/types.ts'
import type { ActResult } from '../run/act.ts'
import { toAscii } from '../text/ascii.ts'

export interface PromptRequest {
  readonly env: CommandEnvironment
  readonly isAscii: boolean
  /** One line of JSON an entry, for a program that drives it. */
  readonly isJson: boolean
}

/** `kx repl`: the prompt without the workbench; on a terminal line by line with editing, on a pipe what comes in. */
export async function runPrompt({ env, isAscii, isJson }: PromptRequest): Promise<ActResult> {
  const print = (lines: readonly DisplayLine[]) => {
    for (const line of lines) {
      const text = plainLine(line)
      process.stdout.write(`${isAscii ? toAscii(text) : text}\n`)
    }
  }
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true && !isJson
  const terminal = isTerminal
    ? new (await import('./prompt-terminal.ts')).TerminalPrompt({
        input: process.stdin,
        output: process.stdout,
        isAscii,
      })
    : null
  const onLines = (_cell: number, lines: readonly DisplayLine[]) => {
    if (terminal !== null) terminal.print(lines)
    else if (!isJson) print(lines)
  }
  // A question is asked on the same terminal, which is lent to it.
  const ask: CommandEnvironment['ask'] =
    terminal === null
      ? env.ask
      : {
          isAttended: true,
          confirm: (...about) => terminal.pausedFor(() => env.ask.confirm(...about)),
          typed: (...about) => terminal.pausedFor(() => env.ask.typed(...about)),
          text: (...about) => terminal.pausedFor(() => env.ask.text(...about)),
        }
  const session = await openPrompt({
    registry: allCommands(),
    environment: (signal) => ({ ...env, ask, via: 'prompt', signal: AbortSignal.any([env.signal, signal]) }),
    runId: () => env.runId,
    isAscii,
    isRemembered: true,
    onLines: (cell, lines) => onLines(cell, lines),
  })
  try {
    if (terminal !== null) return await terminal.run(session)
    return await onPipe(session, { print, isJson })
  } finally {
    await session.close()
  }
}

/** Entries from a pipe: lines are put together until they are complete. The exit code is that of the worst entry. */
async function onPipe(
  session: OpenPrompt,
  { print, isJson }: { readonly print: (lines: readonly DisplayLine[]) => void; readonly isJson: boolean },
): Promise<ActResult> {
  let pending = ''
  let failed = 0
  let count = 0
  const told = (entered: Entered) => {
    count += 1
    if (!['value', 'nothing', 'pending'].includes(entered.outcome)) failed += 1
    if (!isJson) return print(entered.lines)
    const { cell, outcome, json, exitCode } = entered
    process.stdout.write(
      `${JSON.stringify({ cell, outcome, exitCode, value: json ?? null, lines: entered.lines.map(plainLine) })}\n`,
    )
  }
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const text = pending === '' ? line : `${pending}\n${line}`
    const entered = await session.enter(text, { wantsJson: isJson })
    if (entered.outcome === 'incomplete') pending = text
    else {
      pending = ''
      told(entered)
    }
  }
  if (pending.trim() !== '') {
    failed += 1
    process.stderr.write('kx: the input ends before its last entry does\n')
  }
  const summary = failed === 0 ? '' : `${failed} of ${count} entries failed`
  return { summary, exitCode: failed === 0 ? 0 : 1, data: { entries: count, failed } }
}
