import { basename } from 'node:path'
import { known, type Reading, unknown } from '../host/probe/value.ts'
import type { Plan } from '../spec/schema.ts'
import { type Look, textOf } from './look.ts'
import { type InterpreterFacts, parseInterpreter } from './rules/gpu.ts'

/** One line of JSON about CUDA, from the interpreter that runs it. It allocates nothing on the cards. */
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
        for i in range(torch.cuda.device_count()):
            p = torch.cuda.get_device_properties(i)
            facts['devices'].append([p.name, p.total_memory, '%d.%d' % (p.major, p.minor)])
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

/** Asks the run's own interpreter. Unknown when the plan names none, or it does not answer. */
export async function askInterpreter(look: Look): Promise<Reading<InterpreterFacts>> {
  const interpreter = interpreterOf(look.plan)
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
