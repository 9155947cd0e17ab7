import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseTmuxSessions } from '../../host/probe/tmux.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { interpreterOf } from '../interpreter.ts'
import { type AuditItem, type Look, type Looked, textOf } from '../look.ts'
import { judgeEnvironment, judgeMirrors } from '../rules/environment.ts'
import { asksForNoGpu } from '../rules/gpu.ts'
import { judgeInterpreter } from '../rules/interpreter.ts'
import { unsure } from '../rules/verdict.ts'
import { secretsItem } from './secrets.ts'
import { routeItem } from './ssh.ts'

const gate = 'audit/access' as const

const cudaItem = (id: string, title: string): AuditItem => ({
  spec: {
    id,
    title,
    gate,
    severity: 'error',
    how: 'auto',
    fix: 'Install a build with CUDA into the environment of the run, then look again.',
  },
  timeoutSeconds: 70,
  look: async (look) => {
    if (look.plan.resources.compute === 'cpu') return asksForNoGpu()
    const who = interpreterOf(look.plan)
    return {
      ...judgeInterpreter(await look.interpreter(), look.plan.resources.gpus ?? 1),
      ...(who === null ? {} : { command: `${who} -c "import torch; print(torch.cuda.is_available())"` }),
    }
  },
})

/** Fails closed: what cannot be seen to have CUDA is not let through. */
async function noSilentCpu(look: Look): Promise<Looked> {
  if (look.plan.resources.compute === 'cpu') return asksForNoGpu()
  const verdict = judgeInterpreter(await look.interpreter(), look.plan.resources.gpus ?? 1)
  if (verdict.result === 'pass') return pass('the run has CUDA; nothing falls back to the CPU')
  return {
    ...fail(`the run would fall back to the CPU or cannot be asked: ${verdict.summary}`),
    detail: verdict.detail ?? [],
  }
}

interface Tried {
  readonly kind: string
  readonly works: boolean
  readonly text: string
}

/** Each way to detach, tried with a sleeper of its own that is seen and then ended. Nothing of the user's is touched. */
async function detachTool(look: Look): Promise<Looked> {
  const tried: Tried[] = []
  for (const kind of look.profile.detach) {
    if (kind === 'systemd') tried.push(await trySystemd(look))
    else if (kind === 'tmux') tried.push(await tryTmux(look))
    else if (kind === 'setsid') tried.push(await trySetsid(look))
  }
  const works = tried.filter((each) => each.works).map((each) => each.kind)
  const detail = tried.map((each) => `${each.kind}: ${each.text}`)
  const command = 'tmux ls; systemctl is-system-running; command -v setsid'
  if (tried.length === 0) return { ...unsure('none of the ways that this profile names can be tried here'), command }
  return works.length === 0
    ? { ...fail('no way to detach works', { detail }), command }
    : { ...pass(`works: ${works.join(', ')}`, { detail, value: { works } }), command }
}

async function trySystemd(look: Look): Promise<Tried> {
  const kind = 'systemd'
  const unit = `kx-probe-${randomBytes(6).toString('hex')}`
  const scope = look.identity.user === '0' ? [] : ['--user']
  const started = textOf(
    await look.exec(['systemd-run', ...scope, '--quiet', '--collect', `--unit=${unit}`, 'sleep', '30'], {
      timeoutSeconds: 5,
    }),
  )
  if (!started.isKnown) return { kind, works: false, text: sanitiseLine(started.reason) }
  const state = textOf(await look.exec(['systemctl', ...scope, 'is-active', unit], { timeoutSeconds: 5 }))
  await look.exec(['systemctl', ...scope, 'stop', unit], { timeoutSeconds: 5 })
  return state.isKnown && state.value.trim() === 'active'
    ? { kind, works: true, text: 'a probe unit was started and seen' }
    : { kind, works: false, text: 'a probe unit was started and not seen' }
}

async function tryTmux(look: Look): Promise<Tried> {
  const kind = 'tmux'
  const name = `kx-probe-${randomBytes(6).toString('hex')}`
  // A server of its own: the user's sessions are neither listed nor ended.
  const tmux = ['tmux', '-L', name, '-f', '/dev/null']
  const started = textOf(await look.exec([...tmux, 'new-session', '-d', '-s', name, 'sleep 30'], { timeoutSeconds: 5 }))
  if (!started.isKnown) return { kind, works: false, text: sanitiseLine(started.reason) }
  const shown = textOf(
    await look.exec([...tmux, 'ls', '-F', '#{session_name} #{session_created}'], { timeoutSeconds: 5 }),
  )
  const sessions = shown.isKnown ? parseTmuxSessions(shown.value) : shown
  await look.exec([...tmux, 'kill-server'], { timeoutSeconds: 5 })
  return sessions.isKnown && sessions.value.some((session) => session.name === name)
    ? { kind, works: true, text: 'a probe session was started and listed' }
    : { kind, works: false, text: 'a probe session was started and not listed' }
}

/** Starts a sleeper in a session of its own and prints its pid, session and the shell's session. */
const setsidScript = `
command -v setsid >/dev/null || exit 127
setsid sh -c 'echo "$$"; exec sleep 30 >/dev/null 2>&1' &
`

async function trySetsid(look: Look): Promise<Tried> {
  const kind = 'setsid'
  const ran = await look.host.script(setsidScript, [], { timeoutSeconds: 5, signal: look.ctx.signal })
  const pid = new TextDecoder().decode(ran.stdout).trim()
  if (!/^\d{1,9}$/.test(pid)) return { kind, works: false, text: 'setsid is not there, or started nothing' }
  const end = `stat=$(cat "/proc/$1/stat") || exit 1
rest=\${stat##*) }
set -- "$1" $rest
[ "$5" = "$1" ] || exit 2
kill "$1"`
  const seen = textOf(await look.host.script(end, [pid], { timeoutSeconds: 5, signal: look.ctx.signal }))
  return seen.isKnown
    ? { kind, works: true, text: 'a probe process was started in its own session and seen' }
    : { kind, works: false, text: `a probe process was started: ${sanitiseLine(seen.reason)}` }
}

function detachSurvival(look: Look): Looked {
  const { survivesDisconnect, survivesReboot, note } = look.profile.daemon
  const text = `a detached run survives a lost link: ${survivesDisconnect ? 'yes' : 'no'}; a restart: ${survivesReboot ? 'yes' : 'no'}`
  return survivesDisconnect ? pass(text, { detail: [note] }) : fail(text, { detail: [note] })
}

/** Whether the interpreter that the image brings is there, and is the one that the launch line names. */
async function imageIsEnvironment(look: Look): Promise<Looked> {
  const { profile, plan } = look
  const own = profile.launch.interpreter ?? null
  const argv = ['sh', '-c', 'command -v -- "$1" && "$1" --version', 'sh', own ?? interpreterOf(plan) ?? 'python3']
  const found = own === null && interpreterOf(plan) === null ? null : textOf(await look.exec(argv))
  const requirements =
    plan.environment.kind !== 'uv'
      ? null
      : await readFile(join(look.ctx.loaded.projectFolder, plan.environment.requirements), 'utf8').catch(() => null)
  const said = found === null ? null : found.isKnown ? sanitiseLine(found.value.trim().replaceAll('\n', ', ')) : null
  return {
    ...judgeEnvironment({ profile, plan, interpreter: interpreterOf(plan), said, requirements }),
    command: 'command -v python3; python3 --version',
  }
}

export const accessItems: readonly AuditItem[] = [
  cudaItem('audit.cuda-torch', 'CUDA is there'),
  cudaItem('audit.own-interpreter', 'The run’s own interpreter sees CUDA'),
  {
    spec: {
      id: 'audit.no-silent-cpu',
      title: 'No silent fallback to the CPU',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Mend CUDA in the environment of the run; a GPU box must not train on its CPU.',
    },
    timeoutSeconds: 70,
    look: noSilentCpu,
  },
  {
    spec: {
      id: 'audit.image-is-env',
      title: 'The image is the environment',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Name the interpreter of the image in the plan, and leave torch out of the requirements.',
    },
    look: imageIsEnvironment,
  },
  secretsItem,
  {
    spec: {
      id: 'audit.china-mirror',
      title: 'A mirror is wired where one is needed',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Set the variables of the profile (kx profile show) in environmentVariables of the plan.',
    },
    look: (look) => judgeMirrors(look.profile, look.plan),
  },
  routeItem,
  {
    spec: {
      id: 'audit.detach-tool',
      title: 'A way to detach works',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Install tmux or util-linux (setsid).',
    },
    timeoutSeconds: 45,
    look: detachTool,
  },
  {
    spec: { id: 'audit.detach-survival', title: 'What a detached run survives', gate, severity: 'warn', how: 'auto' },
    look: detachSurvival,
  },
  {
    spec: { id: 'audit.code-drift', title: 'Code there equals code here', gate, severity: 'error', how: 'auto' },
    look: () =>
      notApplicable(
        'a launch sends the code into a folder of its own and reads every hash back; nothing lies there before',
      ),
  },
]
