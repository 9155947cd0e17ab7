import { formatDuration, formatNumber, formatPercent } from '../../text/format.ts'
import { runEndIn } from '../../walk/run-end.ts'
import type { Rule } from './condition-input.ts'
import { cutShortRemedy } from './cut-short.ts'

/** The run as a whole: whether it lives, its end, its hours, its lease, its clock. */
export const runRule: Rule = ({ liveness, signals, nowMs, plan, lease, unknownTicks, machine, thresholds }) => {
  const { state, reasons } = liveness
  const why = reasons.join('; ')
  const isKnown = state !== 'unknown'
  const isReboot = signals.isSameBoot === false
  const end = state === 'finished' ? runEndIn(signals) : null
  const left = lease === null ? null : (lease.untilMs - nowMs) / Math.max(1, lease.untilMs - lease.openedAtMs)
  const hours = signals.elapsedSeconds === null ? null : signals.elapsedSeconds / 3600
  return [
    {
      rule: 'stalled',
      isActive: isKnown ? state === 'stalled' : null,
      severity: 'error',
      class: 'observation',
      text: signals.isProcessAlive === false ? 'the run goes on without its runner' : 'the run is alive and silent',
      evidence: why,
      ...(signals.isProcessAlive === false
        ? {
            remedy: 'Let the units that still run end, then launch again: what is finished is skipped.',
            recipe: 'resume',
          }
        : {
            remedy:
              'Look whether output is buffered or the run is bound by data before anything else; never restart it blindly.',
            recipe: 'why-silent',
          }),
    },
    {
      rule: 'dead',
      isActive: isKnown ? state === 'dead' : null,
      severity: 'error',
      class: 'environment',
      text: 'the run is dead: its runner is gone without an exit file',
      evidence: why,
      remedy: isReboot
        ? 'Launch again: finished units are skipped and the rest resumes.'
        : 'Ask kernel log, cards, control group and uptime in this order; resume only if the class allows.',
      recipe: isReboot ? 'resume' : 'why-gone',
    },
    {
      rule: 'cut-short',
      isActive: isKnown ? end !== null && end.word !== 'completed' : null,
      severity: signals.exit?.reason === 'stopped' ? 'warn' : 'error',
      text: `the run ${end?.word === 'aborted' ? 'was aborted' : 'has failed'}`,
      evidence: why,
      ...cutShortRemedy(signals.exit?.reason ?? ''),
    },
    {
      rule: 'suspect-finish',
      isActive: isKnown ? state === 'finished' && liveness.isSuspect : null,
      severity: 'warn',
      class: 'invalid',
      text: 'the end of the run is not to be believed yet',
      evidence: why,
      remedy: 'Look at roster, steps and last lines before anything is removed.',
      recipe: 'collect-evidence',
    },
    {
      rule: 'unknown-state',
      isActive: state === 'unknown' ? (unknownTicks >= thresholds.unknownTicks ? true : null) : false,
      severity: 'warn',
      class: 'link',
      text: 'it is not known how the run is',
      evidence: why,
      remedy: 'Look at machine, balance and address; never restart the run because of a lost link.',
      recipe: 'reconnect',
    },
    {
      rule: 'another-machine',
      isActive: signals.isSameMachine === null ? null : !signals.isSameMachine,
      severity: 'error',
      class: 'link',
      text: 'another machine answers under the name of this host',
      evidence: why,
      remedy: 'Touch nothing there; compare both identities.',
      recipe: 'host-identity',
    },
    {
      rule: 'past-end',
      isActive: signals.isProcessAlive === true && signals.exit !== null,
      severity: 'warn',
      class: 'observation',
      text: 'the run goes on after its own end',
      evidence: why,
      remedy: 'Wait for it; nothing is torn down before it is gone.',
      recipe: 'why-silent',
    },
    {
      rule: 'heartbeat',
      isActive:
        signals.isProcessAlive !== true || signals.heartbeatAgeSeconds === null
          ? signals.isProcessAlive === false
            ? false
            : null
          : signals.heartbeatAgeSeconds >
            Math.min(thresholds.heartbeatHealthySeconds, thresholds.heartbeatStaleSeconds),
      severity: (signals.heartbeatAgeSeconds ?? 0) > thresholds.heartbeatStaleSeconds ? 'warn' : 'info',
      class: 'observation',
      text: 'the runner is alive and no longer says so',
      evidence: `heartbeat ${formatDuration(signals.heartbeatAgeSeconds)} old`,
      remedy: 'Look at the state of the process and at the disk that it writes to.',
      recipe: 'why-silent',
    },
    {
      rule: 'over-hours',
      isActive: hours === null ? null : hours >= plan.budget.hours * thresholds.overBudgetFraction,
      severity: 'error',
      class: 'clock',
      text: `the run has used its ${formatNumber(plan.budget.hours)} hours`,
      evidence: `${formatDuration(signals.elapsedSeconds)} since the first unit began`,
      remedy: 'Stop it, or let a person allow more hours.',
      recipe: 'ask-person',
    },
    {
      rule: 'lease',
      isActive:
        left === null ? false : left <= thresholds.leaseWarnFraction && state !== 'finished' && state !== 'dead',
      severity: left !== null && left <= thresholds.leaseErrorFraction ? 'error' : 'warn',
      class: 'clock',
      text: `${formatPercent(left === null ? null : Math.max(0, left))} of the lease is left`,
      evidence: lease === null ? 'no lease' : `until ${new Date(lease.untilMs).toISOString()}`,
      remedy: 'Extend it (kx lease extend), or let the guard on the box save and do what the profile allows.',
      recipe: 'park',
    },
    {
      rule: 'clock-skew',
      isActive: machine.skewSeconds === null ? null : Math.abs(machine.skewSeconds) > thresholds.skewSeconds,
      severity: 'warn',
      class: 'observation',
      text: `the clock of the host is off by ${formatDuration(Math.abs(machine.skewSeconds ?? 0))}`,
      evidence: `${formatNumber(machine.skewSeconds)} s against this machine`,
      remedy: 'Set the clock of the host (NTP): ages and leases rest on it.',
      recipe: 'collect-evidence',
    },
  ]
}
