import { basename } from 'node:path'
import { plannedEnvironment, readReady } from '../environment/place.ts'
import { known, type Reading, unknown } from '../host/probe/value.ts'
import type { Plan } from '../spec/schema.ts'
import { type Look, textOf } from './look.ts'
import { type InterpreterFacts, parseInterpreter } from './rules/interpreter.ts'

/**
 * One line of JSON about CUDA, from the interpreter that runs it. Of each card a single mebibyte is taken, written, read back
 * and given back: a card that is seen and whose memory is refused (another tenant, a lost card) trains nothing. The context
 * that this needs goes with the process.
 */
const interpreterScript = `
import json, sys
facts = {'executable': sys.executable, 'python': sys.version.split()[0], 'torch': None, 'cuda': None,
         'available': False, 'devices': [], 'architectures': [], 'trouble': None}
try:
    import torch
    facts['torch'] = str(torch.__version__)
    facts['cuda'] = torch.version.cuda
    facts['available'] = bool(torch.cuda.is_available())
    if facts['available']:
        facts['architectures'] = list(torch.cuda.get_arch_list())
        for i in range(min(torch.cuda.device_count(), 64)):
            p = torch.cuda.get_device_properties(i)
            free, trouble = None, None
            try:
                free = int(torch.cuda.mem_get_info(i)[0])
                piece = torch.ones(1 << 20, dtype=torch.uint8, device='cuda:%d' % i)
                if int(piece.sum(dtype=torch.int64).item()) != 1 << 20:
                    trouble = 'what was written there reads back as something else'
                del piece
            except Exception as error:
                trouble = ('%s: %s' % (type(error).__name__, error)).splitlines()[0][:200]
            facts['devices'].append([p.name, p.total_memory, '%d.%d' % (p.major, p.minor), free, trouble])
except Exception as error:
    facts['trouble'] = ('%s: %s' % (type(error).__name__, error))[:200]
print('kx-interpreter ' + json.dumps(facts))
`

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
