import { formatDuration, formatMoment } from '../text/format.ts'
import type { CheckedItem, Severity } from '../walk/item.ts'
import { fail, judged, notApplicable, pass, unknown, type Verdict } from '../walk/verdict.ts'
import type { LaunchFacts } from './types.ts'

const notSeen = unknown('an earlier start was found; what it pushed was not read back by this act', {
  severity: 'warn',
})

type Rule = (facts: LaunchFacts) => Verdict

const short = (sha256: string) => sha256.slice(0, 12)

/**
 * Items of the launch gate (handbook lifecycle 6.5) for a machine that one already has. What is about renting says that
 * it does not apply, and why. An item that fails after the start is a warning in the receipt and makes the act fail: a
 * receipt that blocks would keep patrol and teardown from what was started.
 */
const rows: readonly (readonly [id: string, title: string, severity: Severity, fix: string, rule: Rule])[] = [
  [
    'launch.git-clean',
    'What runs is exactly what was digested',
    'error',
    'Save your edits, check the plan again, and launch.',
    ({ codeFiles, codeBytes, git, isAdopted }) => {
      if (isAdopted) return notSeen
      return pass(
        `${codeFiles} files pushed by hash and read back; ${git === null ? 'no git' : `commit ${git.commit?.slice(0, 12) ?? 'none'}${git.isDirty === true ? ', with changes that are pushed too' : ''}`}`,
        { value: { codeFiles, codeBytes, commit: git?.commit ?? null, isDirty: git?.isDirty ?? null } },
      )
    },
  ],
  [
    'launch.run-id',
    'The run id stands for source, configuration and data',
    'error',
    'Begin a new run.',
    ({ runId, runConfigSha256 }) =>
      pass(`${runId}, run-config ${short(runConfigSha256)}`, { value: { runId, runConfigSha256 } }),
  ],
  [
    'launch.intent-journal',
    'The intent was on disk before the start',
    'error',
    'Look at the journal of the run.',
    ({ intentSequence, token }) =>
      pass(`${intentSequence === null ? 'an earlier record' : `record ${intentSequence}`}, token ${token}`, {
        value: {
          sequence: intentSequence,
          token,
        },
      }),
  ],
  [
    'launch.duplicate',
    'Nothing of this run was running before',
    'error',
    'Watch the runner that is there, or stop it.',
    ({ resumed, isAdopted }) =>
      pass(
        isAdopted
          ? 'the start that was begun was found by its token, and nothing was started again'
          : resumed
            ? 'the runner before was seen dead'
            : 'asked the host: no runner in this folder',
        { value: { resumed, isAdopted } },
      ),
  ],
  [
    'launch.tags-lease',
    'What was started carries its token and its lease',
    'error',
    'Set the lease again.',
    ({ handle, leaseUntilMs }) =>
      pass(
        `token in runner.pid${handle.label === '' ? '' : ` and in ${handle.label}`}; ${leaseUntilMs === null ? 'the approval names no lease' : `lease until ${formatMoment(leaseUntilMs)}`}`,
        { value: { leaseUntilMs, label: handle.label } },
      ),
  ],
  [
    'launch.dead-man',
    'A guard on the box watches the lease, with kx gone',
    'error',
    'Launch again: without a guard nothing ends the meter by itself.',
    deadMan,
  ],
  [
    'launch.danger-clocks',
    'What ends or bills by itself here was read',
    'warn',
    'Read and acknowledge them: kx profile acknowledge.',
    ({ clocks, platform }) => {
      if (clocks === undefined || clocks.total === 0)
        return notApplicable(`${platform} has no clock that ends or bills anything by itself`)
      return clocks.unread.length === 0
        ? pass(`${clocks.total} read on this machine`)
        : unknown(`${clocks.unread.length} of ${clocks.total} not acknowledged yet`, { detail: clocks.unread })
    },
  ],
  [
    'launch.startup-timeout',
    'Provisioning has a time to give up',
    'error',
    'Give up after 15 minutes and look at the provider.',
    () => notApplicable('nothing is provisioned; the runner has 15 s to say who it is'),
  ],
  [
    'launch.push-resumable',
    'A break while pushing costs only the rest, and identities are checked after',
    'error',
    'Launch again: what is there and identical is not sent twice.',
    ({ codeFiles, isAdopted }) =>
      isAdopted ? notSeen : pass(`${codeFiles} files, each whole or not at all, hashes read back from the disk`),
  ],
  [
    'launch.download-retry',
    'Downloads on the box retry and are checked',
    'error',
    'Name a sha256 for the data.',
    ({ plan }) =>
      plan.data.some((d) => d.uri !== undefined)
        ? unknown('data with a uri is fetched by the units themselves; kx has not watched it', { severity: 'warn' })
        : notApplicable('nothing is downloaded on the box'),
  ],
  [
    'launch.version-scripts',
    'The runner carries its digest in its name and is the one that kx ships',
    'error',
    'Move the folder away and begin a new run.',
    ({ handle, isRunnerIdentical }) =>
      isRunnerIdentical === null
        ? unknown('the runner on the box could not be read', { severity: 'warn' })
        : isRunnerIdentical
          ? pass(`${handle.runner}, identical`)
          : fail(`${handle.runner} differs from the one that kx ships`, { severity: 'warn' }),
  ],
  [
    'launch.install',
    'The environment was installed from its lock',
    'error',
    'Install it by hand from the lock file, then launch.',
    ({ plan }) =>
      plan.environment.kind === 'system'
        ? notApplicable(`the plan uses what the host has: ${plan.environment.interpreter}`)
        : unknown('this kx installs nothing on the local host; the audit has looked at the interpreter', {
            severity: 'warn',
          }),
  ],
  [
    'launch.data-attach',
    'The data lies beside the code, with the hash of the plan',
    'warn',
    'Name path, bytes and sha256 of the data in the plan.',
    ({ plan }) => {
      const local = plan.data.filter((d) => d.path !== undefined)
      if (plan.data.length === 0) return notApplicable('the plan names no data')
      const hashed = local.filter((d) => d.sha256 !== undefined).length
      return hashed === plan.data.length
        ? pass(`${hashed} of ${plan.data.length} checked by SHA-256`)
        : fail(`${plan.data.length - hashed} of ${plan.data.length} without a hash that could be checked here`)
    },
  ],
  [
    'launch.tracker',
    'The tracker was seen to start',
    'warn',
    'Look for its address in the first log.',
    ({ plan }) =>
      plan.tracking.kind === 'plain' || plan.tracking.kind === 'none'
        ? notApplicable('tracking is by files of the run')
        : unknown(`${plan.tracking.kind} is the unit's own affair; look at its log`),
  ],
  [
    'launch.fingerprint',
    'Fingerprints of the environment are stored with the results',
    'error',
    'Let the unit write env_fingerprint.json into KX_UNIT_DIR.',
    ({ fingerprints, plan }) => {
      if (!plan.artifacts.some((a) => a.glob.includes('env_fingerprint')))
        return notApplicable('the plan does not declare a fingerprint among its artifacts')
      if (fingerprints === null) return unknown('the box folder could not be listed', { severity: 'warn' })
      return fingerprints > 0
        ? pass(`${fingerprints} unit${fingerprints === 1 ? ' has' : 's have'} written one so far`, {
            value: { fingerprints },
          })
        : unknown('no unit has written one yet', { severity: 'warn' })
    },
  ],
  [
    'launch.exports',
    'Variables reach the units, output is unbuffered, exit codes are kept',
    'error',
    'Use the runner as it is shipped.',
    ({ isRunnerIdentical }) =>
      isRunnerIdentical === true
        ? pass('the shipped runner: env(1) for each unit, one log a unit, exit code by wait')
        : unknown('the runner on the box is not known to be the shipped one', { severity: 'warn' }),
  ],
  [
    'launch.detach',
    'Started so that it outlives kx, the terminal and the login',
    'error',
    'Install tmux, or allow lingering, and launch again.',
    ({ handle, isOwnSession }) =>
      isOwnSession === true
        ? pass(`${handle.detach}${handle.label === '' ? '' : ` ${handle.label}`}, a session of its own`, {
            value: {
              pid: handle.process.pid,
            },
          })
        : isOwnSession === false
          ? fail('it shares the session of kx and ends with it', { severity: 'warn' })
          : unknown('its session could not be read', { severity: 'warn' }),
  ],
  [
    'launch.restart-guard',
    'A start script that runs again starts nothing twice',
    'error',
    'Keep exit.json in the folder of the run.',
    ({ startScriptReruns }) =>
      startScriptReruns
        ? pass('the runner leaves at once when exit.json says that the run is complete')
        : notApplicable('this platform re-runs no start script'),
  ],
  [
    'launch.one-writer-per-gpu',
    'Nobody else computes on the GPUs',
    'error',
    'Stop the other process, or leave that GPU out.',
    ({ plan, foreignGpuProcesses }) =>
      plan.resources.compute === 'cpu'
        ? notApplicable('the plan computes on the CPU')
        : foreignGpuProcesses === null
          ? unknown('nvidia-smi did not say who computes', { severity: 'warn' })
          : foreignGpuProcesses === 0
            ? pass('no compute process before the start')
            : fail(`${foreignGpuProcesses} compute processes of others before the start`, { severity: 'warn' }),
  ],
  [
    'launch.alive-60s',
    'Within 60 s the first unit was seen to work',
    'error',
    'Read the log, mend the cause, launch again.',
    ({ firstSign }) => {
      if (firstSign.kind === 'none') return fail(firstSign.reason, { severity: 'warn', detail: firstSign.logTail })
      const what = { log: 'first log line', step: 'first step', finished: 'finished already' }[firstSign.kind]
      return pass(`${firstSign.unit}: ${what} after ${formatDuration(firstSign.afterSeconds)}`, {
        value: {
          afterSeconds: firstSign.afterSeconds,
        },
      })
    },
  ],
  [
    'launch.hand-back',
    'Control came back',
    'error',
    'Nothing waits in the foreground.',
    (facts) =>
      pass(`after ${formatDuration(facts.seconds)}; the run goes on by itself`, { value: { seconds: facts.seconds } }),
  ],
  [
    'launch.watch-first',
    'The first 10 to 15 minutes are watched',
    'warn',
    'Open the patrol screen.',
    ({ plan }) =>
      plan.abort.nan || plan.abort.belowChanceAfterUnits !== undefined
        ? pass('the abort rules of the plan watch on the box; patrol shows them')
        : fail('the plan has no abort rule for NaN or chance: watch it yourself'),
  ],
  [
    'launch.go-no-go',
    'Configuration, data, dry run, budget and monitoring were all green',
    'error',
    'Go back to the phase that is not.',
    () => pass('the gate was open: approval, audit of this machine and smoke hold'),
  ],
]

/** Armed, and proven by being read back with the token and the lease of this launch (handbook money 8.3). */
function deadMan({ guard, guardAct, handle, leaseUntilMs, hasMeter }: LaunchFacts): Verdict {
  if (leaseUntilMs === null) return notApplicable('the approval names no lease')
  if (guard == null || guard.token !== handle.token)
    return hasMeter
      ? fail('not armed: no guard of this launch answers on the box', { severity: 'warn' })
      : unknown('no guard of this launch was read back', { severity: 'warn' })
  if (!guard.isAlive) {
    // Where nobody bills, it leaves as soon as the run is over.
    return hasMeter || guard.run === 'running'
      ? fail('not armed: the guard is gone', { severity: 'warn' })
      : pass('armed, and left with the end of the run: no meter runs here')
  }
  const left = formatDuration(Math.max(0, guard.leaseSeconds - guard.spentSeconds))
  return pass(`armed and read back, ${left} left by the clock of the box; then ${guardAct ?? 'an alarm'}`, {
    value: { number: guard.number, leaseSeconds: guard.leaseSeconds },
  })
}

/** Every item of the launch gate, judged. Pure. */
export function launchItems(facts: LaunchFacts): readonly CheckedItem[] {
  const at = { atMs: facts.nowMs, host: facts.host.host }
  return rows.map(([id, title, severity, fix, rule]) =>
    judged({ id, title, gate: 'launch', severity, how: 'auto', fix }, rule(facts), at),
  )
}
