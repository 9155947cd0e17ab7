import { z } from 'zod'
import { interpreterOf } from '../src/audit/interpreter.ts'
import { interpreterScript } from '../src/audit/interpreter-script.ts'
import { judgeGpuDriver } from '../src/audit/rules/gpu.ts'
import { judgeCapability, judgeInterpreter, parseInterpreter } from '../src/audit/rules/interpreter.ts'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { defineRecipe } from '../src/recipe/contract.ts'
import { pathOn } from '../src/recipe/shelf/ask.ts'
import type { Plan } from '../src/spec/schema.ts'

export const recipe = defineRecipe({
  id: 'cuda-check',
  title: 'Do driver, toolkit and torch fit one another?',
  runbook: {
    when: '"no kernel image", CUDA error 804, "driver version is insufficient", or a run that is a hundred times too slow because torch has no GPU.',
    touches:
      'Nothing. It asks nvidia-smi and the compiler for their versions, and lets the interpreter of the run import torch and take one MiB of each card for a moment.',
    back: 'There is nothing to take back. Install a build that fits, or take a machine with a newer driver: the lines say which.',
  },
  parameters: z.object({
    interpreter: z
      .string()
      .default('')
      .describe('Python of the run, a path or a name on the PATH there. Empty: what the plan names, else python3.'),
    cards: z.number().int().min(1).max(64).default(1).describe('Cards that torch must see.'),
    cudaMaximum: z
      .string()
      .default('')
      .describe('Highest CUDA that the platform promises, such as 12.4. Empty: not known.'),
  }),
  serves: [
    { rule: 'audit.gpu-driver' },
    { rule: 'audit.gpu-capability' },
    { rule: 'audit.cuda-torch' },
    { rule: 'audit.own-interpreter' },
    { rule: 'audit.no-silent-cpu' },
  ],
  cells: [
    {
      name: 'check',
      title: 'Ask driver, compiler and interpreter',
      risk: 'read',
      timeoutSeconds: 240,
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const { host, parameters, run, signal, say } = context
        const named =
          parameters.interpreter !== ''
            ? parameters.interpreter
            : ((run === null ? null : interpreterOf(run.plan as unknown as Plan)) ?? 'python3')
        const python = named.includes('/') ? await pathOn(context, named) : named
        // As a script, because an option in place of a program would be one of the shell's.
        const ran = await host.script('exec "$@"', [python, '-c', interpreterScript], { timeoutSeconds: 120, signal })
        const said = new TextDecoder().decode(ran.stdout)
        const facts = parseInterpreter(said)
        const why = `${python} gave no answer that can be read: ${new TextDecoder().decode(ran.stderr).trim().split('\n').at(-1) ?? ''}`
        const reading =
          facts === null ? ({ isKnown: false, reason: why } as const) : ({ isKnown: true, value: facts } as const)
        const { probe } = await runProbe(host, { isWide: true, timeoutSeconds: 30, signal })
        const { driverCuda, toolkit } = probe.wide
        const maximum = parameters.cudaMaximum === '' ? null : parameters.cudaMaximum
        const verdicts = [
          judgeGpuDriver(probe.gpus, { ofRun: facts?.cuda ?? null, ofDriver: driverCuda, ofToolkit: toolkit }, maximum),
          judgeInterpreter(reading, parameters.cards),
          judgeCapability(reading),
        ]
        for (const verdict of verdicts)
          for (const line of [`${verdict.result}: ${verdict.summary}`, ...(verdict.detail ?? [])]) say(line)
        const failed = verdicts.find((each) => each.result === 'fail' && each.severity !== 'warn')
        if (failed !== undefined)
          context.fail(
            failed.summary,
            'Install a torch that was built for this driver and card, or take another machine.',
          )
        const open = verdicts.find((each) => each.result === 'unknown')
        if (open !== undefined)
          context.fail(open.summary, 'Name the Python of the run with `interpreter`, and look at nvidia-smi there.')
        const warned = verdicts.find((each) => each.result === 'fail')
        return {
          summary: warned === undefined ? verdicts.map((each) => each.summary).join('; ') : `WARN: ${warned.summary}`,
        }
      },
    },
  ],
})
