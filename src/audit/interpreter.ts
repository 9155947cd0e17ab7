import { basename } from 'node:path'
import { plannedEnvironment, readReady } from '../environment/place.ts'
import { known, type Reading, unknown } from '../host/probe/value.ts'
import type { Plan } from '../spec/schema.ts'
import { interpreterScript } from './interpreter-script.ts'
import { type Look, textOf } from './look.ts'
import { type InterpreterFacts, parseInterpreter } from './rules/interpreter.ts'

/** The interpreter that the launch line will use: what the command names, else what the environment names. */
export function interpreterOf(plan: Plan): string | null {
  const program = plan.command[0] ?? ''
  if (/^(python|pypy)[0-9.]*$/.test(basename(program))) return program
  const { environment } = plan
  if (environment.kind === 'system' || environment.kind === 'image') {
    const named = environment.interpreter
    return named !== undefined && /^(python|pypy)[0-9.]*$/.test(basename(named)) ? named : null
  }
  return null
}

/** A plan for uv is run by what was synced for it, whatever `python` is on the PATH. */
async function syncedInterpreter(look: Look): Promise<string | null> {
  if (look.plan.environment.kind !== 'uv') return null
  const planned = await plannedEnvironment(look.ctx)
  if (planned.kind !== 'uv') return null
  return (await readReady(look.host, planned.place)) === null ? null : planned.place.interpreter
}

/** Asks the run's own interpreter. Unknown when the plan names none, or it does not answer. */
export async function askInterpreter(look: Look): Promise<Reading<InterpreterFacts>> {
  const interpreter = (await syncedInterpreter(look)) ?? interpreterOf(look.plan)
  if (interpreter === null) return unknown('the plan names no Python interpreter that could be asked')
  const ran = await look.exec([interpreter, '-c', interpreterScript], {
    timeoutSeconds: 60,
    cwd: look.isLocal ? look.ctx.loaded.projectFolder : '/',
    env: look.plan.environmentVariables,
  })
  const text = textOf(ran)
  if (!text.isKnown) return unknown(`${interpreter}: ${text.reason}`)
  const facts = parseInterpreter(text.value)
  return facts === null ? unknown(`${interpreter} gave no answer that can be read`) : known(facts)
}
