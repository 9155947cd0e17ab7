import { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'

type Config = import('../config/schema.ts').Config
type Thresholds = import('../patrol/rules/thresholds.ts').Thresholds

/** The bands of patrol as settings name them, in the units that the rules count in. */
export function limitsOf(patrol: Config['patrol']): Partial<Thresholds> {
  return {
    diskWarnFraction: patrol.diskWarnPercent / 100,
    diskErrorFraction: patrol.diskErrorPercent / 100,
    fullWarnSeconds: patrol.fullWarnHours * 3600,
    fullErrorSeconds: patrol.fullErrorHours * 3600,
    memoryWarnFraction: patrol.memoryWarnPercent / 100,
    gpuWorthALookPercent: patrol.gpuUtilWarnPercent,
    gpuLowPercent: patrol.gpuUtilErrorPercent,
    gpuMemoryWarnFraction: patrol.gpuMemoryWarnPercent / 100,
    gpuMemoryErrorFraction: patrol.gpuMemoryErrorPercent / 100,
    gpuHotCelsius: patrol.gpuHotCelsius,
    gpuClockFraction: patrol.gpuClockErrorPercent / 100,
    stallSeconds: patrol.stalledMinutes * 60,
    plateauSeconds: patrol.flatLossMinutes * 60,
    slowUnitTimes: patrol.unitWarnFactor,
    tooSlowUnitTimes: patrol.unitErrorFactor,
    fastFinishFraction: patrol.fastFinishPercent / 100,
    costWarnFraction: patrol.costWarnPercent / 100,
    costErrorFraction: patrol.costErrorPercent / 100,
    machineWarnSeconds: patrol.instanceWarnHours * 3600,
    heartbeatHealthySeconds: patrol.heartbeatHealthySeconds,
    heartbeatStaleSeconds: patrol.heartbeatWarnSeconds,
  }
}

/** Looks come every second; whoever edits `.kxrc` sees it with one of the next minute. */
const keptMs = 60_000
let kept: { readonly key: string; readonly atMs: number; readonly limits: Promise<Partial<Thresholds>> } | null = null

/** The bands in force for a project. Settings that cannot be read count as the defaults; `kx config` names their problems. */
export function patrolLimits(
  env: Pick<CommandEnvironment, 'projectFolder' | 'settings'>,
  nowMs = Date.now(),
): Promise<Partial<Thresholds>> {
  const key = JSON.stringify([env.projectFolder, env.settings])
  if (kept === null || kept.key !== key || Math.abs(nowMs - kept.atMs) >= keptMs)
    kept = {
      key,
      atMs: nowMs,
      limits: loadSettings(env.projectFolder, env.settings).then(
        ({ config }) => limitsOf(config.patrol),
        () => ({}),
      ),
    }
  return kept.limits
}
