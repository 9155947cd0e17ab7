import { unitCommand } from '../../spec/command.ts'
import type { Plan, Unit } from '../../spec/schema.ts'
import { EngineError } from '../errors.ts'
import type { SubmitRequest } from '../types.ts'

/** Flat files for the runner, by path relative to the run's folder. */
export type FlatFiles = ReadonlyMap<string, string>

/** One word of an argument vector as one line: `printf %b` gives it back, whatever it holds but NUL. */
export function encodeWord(word: string): string {
  if (word.includes('\0')) throw new EngineError('A word of a command holds a NUL character.', 'nothing-started')
  return word.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** Queue entries sort by index as text does. */
export function queueEntry(unit: Pick<Unit, 'id' | 'index'>): string {
  return `${String(unit.index).padStart(6, '0')}-${unit.id}`
}

function checkProgram(argv: readonly string[], what: string): readonly string[] {
  const program = argv[0] ?? ''
  // env(1) would take it for a variable.
  if (program === '' || program.includes('=') || program.startsWith('-'))
    throw new EngineError(
      `${what} begins with ${JSON.stringify(program)}, which cannot be started as a program: name it by a path without "=".`,
      'nothing-started',
    )
  return argv
}

const wordLines = (argv: readonly string[]) => argv.map((word) => `${encodeWord(word)}\n`).join('')

/** `KEY=value` lines; a value is everything up to the end of its line. */
function settingLines(settings: Readonly<Record<string, string | number | null>>): string {
  return Object.entries(settings)
    .map(([key, value]) => {
      const text = value === null ? '' : String(value)
      if (/[\n\r\0]/.test(text))
        throw new EngineError(`Setting ${key} holds a line break: ${JSON.stringify(text)}.`, 'nothing-started')
      return `${key}=${text}\n`
    })
    .join('')
}

/** The metric that the below-chance rule looks at: the primary one, else the first that has a chance level. */
export function chanceMetric(plan: Pick<Plan, 'metrics'>): Plan['metrics'][number] | null {
  const withChance = plan.metrics.filter((m) => m.chance !== undefined)
  return withChance.find((m) => m.primary) ?? withChance[0] ?? null
}

/** `how` is `loose` where sh has no such pattern: `**` and `{a,b}` become `*` over folders, so the gate is never too strict. */
function artifactLines(plan: Plan): string {
  return plan.artifacts
    .map(({ glob, minimumCount, minimumBytes }) => {
      if (/[\n\r\0]/.test(glob))
        throw new EngineError(`Artifact pattern ${JSON.stringify(glob)} holds a line break.`, 'nothing-started')
      const isLoose = glob.includes('**') || glob.includes('{')
      // As the roster reads it: `units//x`, `units/./x` and `units/x/` are units/x.
      const plain = glob
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/')
      const pattern = isLoose ? plain.replaceAll(/\{[^{}]*\}/g, '*').replaceAll(/\*+\/?/g, '*') : plain
      return `${minimumCount} ${minimumBytes} ${isLoose ? 'loose' : 'plain'} ${pattern}\n`
    })
    .join('')
}

/** What the guard goes by; whole seconds, at least one. */
function guardSettings(guard: SubmitRequest['guard']): Readonly<Record<string, string | number | null>> {
  if (guard === undefined) return { guard: 0 }
  const seconds = (value: number) => Math.max(1, Math.round(value))
  return {
    guard: 1,
    has_meter: guard.hasMeter ? 1 : 0,
    lease_seconds: seconds(guard.leaseSeconds),
    lease_number: 1,
    absent_seconds: seconds(guard.absentSeconds),
    stall_seconds: seconds(guard.stallSeconds),
    hold_seconds: seconds(guard.holdSeconds ?? 900),
    retry_seconds: seconds(guard.retrySeconds ?? 600),
    guard_poll_seconds: guard.pollSeconds ?? 15,
  }
}

const commandsOf = (plan: Plan, units: readonly Unit[]) =>
  units.map((unit) => ({ unit, argv: checkProgram(unitCommand(plan, unit), `The command of unit ${unit.id}`) }))

/** What lies in the queue for each unit: its index, its seed, and one line a word of its command. */
export function queueFiles(plan: Plan, units: readonly Unit[]): ReadonlyMap<string, string> {
  return new Map(
    commandsOf(plan, units).map(({ unit, argv }) => [
      queueEntry(unit),
      `${unit.index}\n${unit.seed}\n${wordLines(argv)}`,
    ]),
  )
}

/** The units that a runner is asked for, as its `units.list` names them: `= <entry>`, then each line of its file after a dot. */
export function unitList(plan: Plan, units: readonly Unit[]): string {
  const marked = (text: string) =>
    text
      .split('\n')
      .map((line, i, all) => (i === all.length - 1 ? '' : `.${line}\n`))
      .join('')
  return [...queueFiles(plan, units)].map(([entry, text]) => `= ${entry}\n${marked(text)}`).join('')
}

/** Everything that the runner and the guard read, from a request. Pure. Throws EngineError for what cannot be said in these files. */
export function flatFiles(request: SubmitRequest, secretsFile: string | null = null): FlatFiles {
  const { plan, units, timing } = request
  const files = new Map<string, string>()
  const metric = chanceMetric(plan)
  const hasChanceRule = plan.abort.belowChanceAfterUnits !== undefined && metric !== null
  files.set(
    'plan.env',
    settingLines({
      run_id: request.runId,
      token: request.token,
      workers: plan.units.sequential ? 1 : Math.max(1, Math.min(request.workers, units.length)),
      threads: request.threadsPerWorker,
      gpus: request.gpus.join(','),
      need_result: plan.logPattern === undefined ? 1 : 0,
      sequential: plan.units.sequential ? 1 : 0,
      abort_nan: plan.abort.nan ? 1 : 0,
      chance_after: hasChanceRule ? (plan.abort.belowChanceAfterUnits ?? null) : null,
      chance_metric: hasChanceRule ? metric.name : null,
      chance_value: hasChanceRule ? (metric.chance ?? null) : null,
      chance_direction: hasChanceRule ? metric.direction : null,
      wall_seconds: plan.abort.wallHours === undefined ? null : Math.max(1, Math.round(plan.abort.wallHours * 3600)),
      idle_seconds: plan.abort.idleMinutes === undefined ? null : Math.max(1, Math.round(plan.abort.idleMinutes * 60)),
      grace_seconds: Math.max(1, Math.round(timing?.graceSeconds ?? 20)),
      heartbeat_seconds: Math.max(1, Math.round(timing?.heartbeatSeconds ?? 5)),
      poll_seconds: timing?.pollSeconds ?? 0.5,
      ...guardSettings(request.guard),
      log_pattern: plan.logPattern ?? null,
      secrets_file: secretsFile,
    }),
  )
  const commands = commandsOf(plan, units)
  files.set('units.list', unitList(plan, units))
  for (const [name, value] of Object.entries(plan.environmentVariables)) {
    if (value.includes('\0')) throw new EngineError(`Variable ${name} holds a NUL character.`, 'nothing-started')
    files.set(`env/${name}`, value)
  }
  plan.after.forEach((step, i) => {
    checkProgram(step.command, `The command of step ${step.name}`)
    files.set(
      `steps/${String(i).padStart(2, '0')}-${step.name}`,
      `${Math.ceil(step.timeoutSeconds)}\n${wordLines(step.command)}`,
    )
  })
  if (plan.save !== undefined) {
    checkProgram(plan.save.command, `The command of the save step ${plan.save.name}`)
    files.set(`steps/save-${plan.save.name}`, `${Math.ceil(plan.save.timeoutSeconds)}\n${wordLines(plan.save.command)}`)
  }
  if (request.guard !== undefined) {
    const { park, leaseSeconds } = request.guard
    // Empty: from here nothing may be done that ends the meter.
    files.set('guard/park', park === null ? '' : wordLines(checkProgram(park, 'The command that parks the machine')))
    files.set('lease', `${request.token} 1 ${Math.max(1, Math.round(leaseSeconds))}\n`)
  }
  files.set('artifacts.list', artifactLines(plan))
  files.set(
    'plan.json',
    `${JSON.stringify(
      {
        version: 1,
        runId: request.runId,
        name: plan.name,
        workers: request.workers,
        threadsPerWorker: request.threadsPerWorker,
        gpus: request.gpus,
        abort: plan.abort,
        artifacts: plan.artifacts,
        environmentVariables: plan.environmentVariables,
        units: commands.map(({ unit, argv }) => ({ ...unit, argv })),
        after: plan.after,
        save: plan.save ?? null,
      },
      null,
      1,
    )}\n`,
  )
  return files
}

/** It stands with the plan's other digests; whoever starts units finds it here. */
export { unitDigest } from '../../spec/digest.ts'
