export { confirmGapMs, judgeMeter, type MeterJudgement, meaningOf } from './rules/meter-seen.ts'
export {
  boundText,
  consequences,
  goneItems,
  makePermit,
  meterLines,
  permitItems,
  permitMinutes,
  permitRefusals,
  removalText,
  removalVerb,
} from './rules/permit.ts'
export { acceptedCount, lostTrackerLogs, patternTallies, verifyItems } from './rules/verify.ts'
