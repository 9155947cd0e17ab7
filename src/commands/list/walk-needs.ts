import { z } from 'zod'
import type { RunState } from '../../run/types.ts'
import { hasEnded, launchInDoubt } from '../../walk/end.ts'
import type { CommandState } from '../types.ts'

export const needsPlan = (s: CommandState) =>
  s.hasPlan ? null : 'this project has no kx.yaml yet; n on Home or Plan writes one'
export const needsRun = (s: CommandState) =>
  needsPlan(s) ?? (s.run === null ? 'no run is open; check the plan first (1, then r)' : null)
export const has = (run: RunState | null, kind: keyof RunState['latest']) => run?.latest[kind] !== undefined
/** The newest launch has an outcome, and nothing was begun since. */
export const isOver = (run: RunState | null) =>
  run !== null && run.latest.Receipt !== undefined && hasEnded(run, () => true)
/** Commands that launch: what they have begun can be stopped while they wait for its first sign of life. */
export const launchers: readonly string[] = ['launch.start', 'walk.auto']
export const isLaunching = ({ run, busyWith }: CommandState) =>
  busyWith === 'launch.start' || (run !== null && launchInDoubt(run) !== null)
/** Without a look at the plan file: what was launched is looked at and stopped whatever has become of that. */
export const needsReceipt = (s: CommandState) =>
  has(s.run, 'Receipt') ? null : (needsRun(s) ?? 'nothing was launched yet (5, then r)')

/** For acts that happen on hosts: which of the run's. */
export const hostArgument = { host: z.string().optional().describe('one host of the run; all of them by default') }
