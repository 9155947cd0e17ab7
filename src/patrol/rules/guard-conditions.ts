import { formatDuration } from '../../text/format.ts'
import type { Rule } from './condition-input.ts'

const because: Readonly<Record<string, string>> = {
  lease: 'the lease was over',
  finished: 'the run had ended and nobody came',
  dead: 'the run was dead and nobody came',
  stalled: 'the run was silent and nobody came',
}

const done: Readonly<Record<string, string>> = {
  kept: 'the guard on the box has saved, and found nothing that it may undo the meter by: it goes on billing',
  parked: 'the guard on the box has saved and parked the machine',
  'park-failed': 'the guard on the box has saved, and could not park the machine: it goes on billing',
  'save-failed': 'the save hook failed on the box, so nothing was parked: it goes on billing',
  'save-timeout': 'the save hook did not end in its time, so nothing was parked: it goes on billing',
  'work-alive': 'units could not be ended, so nothing was parked: it goes on billing',
}

/** The guard of a lease (handbook money 8.3): what it did is an alarm; one that does not answer counts as not armed. */
export const guardRule: Rule = ({ guard, lease, token, liveness, signals }) => {
  const isOurs = guard != null && guard.token === token
  const alarm = isOurs ? guard.alarm : null
  const isWorking = liveness.state === 'running' || liveness.state === 'stalled'
  const isArmed = isOurs && guard.isAlive
  // Nothing starts it again after a boot. One that had left by itself, where nobody bills, had nothing more to watch.
  const isRebooted = signals.isSameBoot === false
  const hasLeft = isOurs && guard.acts.at(-1)?.event === 'guard.dismissed'
  return [
    {
      rule: 'guard-acted',
      isActive: guard === undefined ? null : alarm !== null,
      severity: 'error',
      class: 'clock',
      text: done[alarm ?? ''] ?? `the guard on the box has raised ${alarm}`,
      evidence: `${because[(isOurs ? guard.why : null) ?? ''] ?? 'by its own reasons'}; ${isOurs ? formatDuration(guard.spentSeconds) : '?'} since the launch`,
      remedy:
        alarm === 'save-failed' || alarm === 'save-timeout'
          ? 'Read guard/save.log in the folder of the run; pull what is there, then tear down or extend (kx lease extend).'
          : 'Pull and verify what is there (kx teardown verify), then tear down; or extend (kx lease extend).',
      recipe: 'park',
    },
    {
      rule: 'guard-gone',
      isActive:
        guard === undefined || lease === null
          ? null
          : !isArmed && (isWorking || (isRebooted && guard !== null && !hasLeft)),
      severity: 'error',
      class: 'clock',
      text: isRebooted
        ? 'the machine started anew, and nothing there watches the lease any more: the meter may run on unseen'
        : 'no guard watches the lease on the box',
      evidence: isRebooted
        ? 'another boot id than at the launch; the guard did not come back'
        : isOurs
          ? 'its process is gone'
          : 'none of this launch is there',
      remedy: isOurs
        ? 'Arm it again (kx lease arm), or launch again: a launch arms a guard. Until then watch the run yourself.'
        : 'Watch the run yourself, or stop it and launch again: a launch arms a guard.',
      recipe: 'park',
    },
  ]
}
