import { diskNeed } from '../../estimate/disk.ts'
import { clockText } from '../../profile/lines.ts'
import { formatBytes } from '../../text/format.ts'
import type { CheckedItem } from '../../walk/item.ts'
import { fail, notApplicable, pass, unknown, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

/** Platform, machine, quota, clocks, storage and checkpoints. */
export function computeRules(input: RuleInput): CheckedItem[] {
  return [
    item(input, 'plan.infra-target', target(input)),
    item(input, 'plan.node-type', nodeType(input)),
    item(input, 'plan.quota', quota(input)),
    item(input, 'plan.scheduler-template', scheduler(input)),
    item(input, 'plan.checkpointing', checkpointing(input)),
    item(input, 'plan.profile-first', literalMounts(input)),
    item(input, 'plan.danger-clocks', dangerClocks(input)),
    item(input, 'plan.durable-size', durableSize(input)),
  ]
}

const isWorkstation = ({ facts }: RuleInput): boolean => facts.profile.kind === 'workstation'

function target({ plan, facts }: RuleInput): Verdict {
  const { platform, title } = facts.profile
  return plan.profiles.includes(platform)
    ? pass(`${platform}: ${title}`)
    : fail(`${platform} is used, and the plan allows ${plan.profiles.join(', ')}`)
}

function nodeType({ plan }: RuleInput): Verdict {
  const { compute, gpus, workers, gpuMemoryMiB } = plan.resources
  if (compute === 'cpu' && (gpus ?? 0) > 0) return fail(`cpu is chosen, and ${counted(gpus ?? 0, 'GPU')} asked for`)
  if (compute === 'cpu' && gpuMemoryMiB !== undefined) return fail('cpu is chosen, and GPU memory asked for')
  if (compute === 'gpu' && gpus === 0) return fail('gpu is chosen, and no GPU asked for')
  return pass(
    compute === 'cpu'
      ? `cpu, ${counted(workers, 'worker')}`
      : `gpu, ${gpus ?? 'any number of'} GPUs, ${counted(workers, 'worker')}`,
  )
}

function quota(input: RuleInput): Verdict {
  if (isWorkstation(input)) return notApplicable('own machine: nobody grants a quota')
  return unknown(`${input.facts.profile.platform} has to be asked`)
}

function scheduler({ facts }: RuleInput): Verdict {
  if (facts.profile.kind !== 'slurm') return notApplicable('no batch scheduler on this platform')
  return fail('no job template is rendered yet', { severity: 'error' })
}

function checkpointing({ plan }: RuleInput): Verdict {
  const { bytes, count } = plan.checkpoints
  const isLong = plan.budget.hours > 1
  const severity = isLong ? 'error' : 'warn'
  if (bytes > 0 && count > 0)
    return pass(`${count} checkpoints of ${formatBytes(bytes)}; the smoke proves the resume`, { severity })
  return fail(`no checkpoints are declared, and the run may take ${plan.budget.hours} h`, { severity })
}

function literalMounts({ plan, facts }: RuleInput): Verdict {
  const words = [
    ...plan.command,
    ...plan.after.flatMap((s) => s.command),
    ...(plan.save?.command ?? []),
    ...Object.values(plan.environmentVariables),
  ]
  const mounts = facts.ownedMounts.filter((m) => m !== '/' && m !== '/tmp')
  const found = words.filter((w) => mounts.some((m) => w === m || w.includes(`${m}/`) || w.endsWith(m)))
  return found.length === 0
    ? pass(`no command or variable holds a mount of ${facts.profile.platform}`)
    : fail(`${found[0]}: this mount belongs to the profile`, { detail: found })
}

function dangerClocks({ facts }: RuleInput): Verdict {
  const { dangerClocks, platform, conveniences } = facts.profile
  if (dangerClocks.length === 0)
    return notApplicable(`${platform} has no clock that ends or bills anything by itself`, { detail: conveniences })
  const unread = facts.unreadClocks ?? dangerClocks
  if (unread.length === 0)
    return pass(`${counted(dangerClocks.length, 'clock')} of ${platform} shown and acknowledged`, {
      detail: [...dangerClocks.map(clockText), ...conveniences],
    })
  return unknown('not acknowledged yet', {
    summary: `${counted(unread.length, 'clock')} to acknowledge: kx profile acknowledge ${platform}`,
    detail: unread.map(clockText),
  })
}

function durableSize(input: RuleInput): Verdict {
  const { plan, facts } = input
  const need = diskNeed({
    checkpointBytes: plan.checkpoints.bytes,
    checkpointCount: plan.checkpoints.count,
    scratchBytes: plan.checkpoints.scratchBytes,
    artifactBytes: plan.artifacts.reduce((sum, a) => sum + a.minimumBytes * a.minimumCount, 0),
    codeBytes: facts.code.bytes,
  })
  const detail = [
    `checkpoints ${formatBytes(need.checkpointBytes)}`,
    `scratch ${formatBytes(need.scratchBytes)}`,
    `artifacts at least ${formatBytes(need.artifactBytes)}`,
    `code and inputs ${formatBytes(need.inputBytes)}`,
  ]
  const value = { needBytes: need.totalBytes }
  const capacity = facts.profile.storage.tiers.find((t) => t.purpose === 'durable')?.capacityBytes
  const asked = plan.resources.diskBytes ?? capacity
  if (asked === undefined) {
    const summary = `${formatBytes(need.totalBytes)} are needed; audit.checkpoint-budget compares them with what is free`
    return isWorkstation(input)
      ? notApplicable('no storage is rented here', { summary, detail, value })
      : unknown('neither the plan nor the profile says how much storage there is', { summary, detail, value })
  }
  return asked >= need.totalBytes
    ? pass(`${formatBytes(need.totalBytes)} of ${formatBytes(asked)} are needed`, { detail, value })
    : fail(`${formatBytes(need.totalBytes)} are needed, ${formatBytes(asked)} asked for`, { detail, value })
}
