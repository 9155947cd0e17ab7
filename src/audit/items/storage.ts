import { lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hostEnvironment } from '../../host/environment.ts'
import { unknown } from '../../host/probe/value.ts'
import { formatBytes } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import type { AuditItem, Look, Looked } from '../look.ts'
import {
  type BudgetInput,
  type CheckpointPlace,
  judgeBytes,
  judgeCheckpointBudget,
  judgeCheckpointTier,
  judgeInodeBudget,
  judgeInodes,
  judgeRegionLock,
  judgeSharedSecrets,
  judgeSurvivalMatrix,
  tierAt,
} from '../rules/storage.ts'
import { unsure } from '../rules/verdict.ts'
import type { SmokePayloadLike } from '../smoke-figures.ts'
import { smokeFigures } from '../smoke-figures.ts'

const gate = 'audit/box' as const

const pathsOf = (look: Look) => new Map(look.tiers.map((each) => [each.tier.id, each.path]))
const listed = (look: Look) => look.tiers.flatMap((each) => (each.path === null ? [] : [each.path])).join(' ')

/** Files that a unit leaves: log, exit, events, metrics, result, and its folders; rounded up. */
const filesPerUnit = 12

/** What the plan will write and make, with the size of a checkpoint as the smoke measured it where there is one. */
export function budgetInput(look: Pick<Look, 'plan' | 'ctx'>, smoke: SmokePayloadLike | null): BudgetInput {
  const { plan, ctx } = look
  const measured = smoke?.checkpointBytes ?? null
  const units = ctx.loaded.units.length
  const artifacts = plan.artifacts.reduce((sum, a) => sum + Math.max(1, a.minimumCount), 0)
  return {
    checkpointBytes: Math.max(plan.checkpoints.bytes, measured ?? 0),
    checkpointCount: plan.checkpoints.count,
    scratchBytes: plan.checkpoints.scratchBytes,
    artifactBytes: plan.artifacts.reduce((sum, a) => sum + a.minimumBytes * a.minimumCount, 0),
    inputBytes:
      ctx.loaded.code.reduce((sum, file) => sum + file.bytes, 0) +
      plan.data.reduce((sum, d) => sum + (d.bytes ?? 0), 0),
    declaredBytes: plan.resources.diskBytes ?? null,
    isMeasured: measured !== null && measured >= plan.checkpoints.bytes,
    files: units * filesPerUnit + plan.checkpoints.count + artifacts + ctx.loaded.code.length,
  }
}

async function checkpointBudget(look: Look): Promise<Looked> {
  if (look.data === null) return fail('the profile names no data tier')
  const disk = await look.spaceOf(look.data)
  const nothing = unknown('its path is not known on this host')
  const input = budgetInput(look, smokeFigures(look.ctx.run.state()))
  const verdict = judgeCheckpointBudget(input, disk?.bytes ?? nothing, disk?.inodes ?? nothing)
  return {
    ...verdict,
    value: { ...verdict.value, path: look.data.path },
    command: `df -P -B1 -- ${look.data.path ?? ''}`,
  }
}

async function inodeBudget(look: Look): Promise<Looked> {
  if (look.data === null) return fail('the profile names no data tier')
  const disk = await look.spaceOf(look.data)
  const { inodeCap } = look.profile
  const cap = look.data.tier.inodeCap ?? (typeof inodeCap === 'number' ? inodeCap : null)
  const { files } = budgetInput(look, null)
  const verdict = judgeInodeBudget(files, disk?.inodes ?? unknown('its path is not known on this host'), cap)
  return {
    ...verdict,
    value: { ...verdict.value, path: look.data.path },
    command: `df -P -i -- ${look.data.path ?? ''}`,
  }
}

/**
 * $1: seconds for it all; then the folders whose entries are weighed. Every entry is weighed where it really lies: a cache that
 * is a link to another disk takes its room there. What several links point to is weighed once.
 */
const weighScript = `
limit=$1; shift
timeout 1 true 2>/dev/null && run="timeout $limit" || run=
for root in "$@"; do
  [ -d "$root" ] || continue
  for entry in "$root"/* "$root"/.[!.]*; do
    case $entry in */.kx-probe-*|*/..kx-probe-*) continue ;; esac
    [ -e "$entry" ] && { [ -d "$entry" ] || [ -f "$entry" ]; } && readlink -f -- "$entry"
  done
done | sort -u | head -n 500 | while IFS= read -r real; do
  printf '%s\\0' "$real"
done | $run xargs -0 -r nice -n 15 du -xskH -- 2>/dev/null
exit 0
`

/** Largest entries of the tiers that kx writes to, symlinks resolved to where the bytes really lie. */
async function spaceHogs(look: Look): Promise<Looked> {
  const roots = [look.data, look.durable].flatMap((each) => (each?.path ? [each.path] : []))
  const home = (await hostEnvironment(look.host, look.ctx.signal)).HOME
  // Hubs and installers fill it without being asked.
  const caches = home?.startsWith('/') === true && !look.isLocal ? [`${home}/.cache`] : []
  const asked = [...new Set([...roots, ...caches])]
  const ran = await look.host.script(weighScript, ['18', ...asked], { timeoutSeconds: 20, signal: look.ctx.signal })
  const sizes = new TextDecoder()
    .decode(ran.stdout)
    .split('\n')
    .flatMap((line) => {
      const match = /^(\d{1,15})\t(.+)$/.exec(line)
      return match?.[1] === undefined || match[2] === undefined
        ? []
        : [{ bytes: Number(match[1]) * 1024, path: match[2] }]
    })
    .sort((a, b) => b.bytes - a.bytes)
  const command = `du -xskH -- ${asked.map((each) => `${each}/*`).join(' ')}`
  const ended = ran.ending.kind === 'exited' && !ran.timedOut
  if (sizes.length === 0)
    return ended
      ? { ...pass('nothing lies there yet'), command }
      : { ...unsure('du did not end in time', { fix: `Look by hand: ${command}` }), command }
  const largest = sizes[0]
  return {
    ...pass(`largest: ${sanitiseLine(largest?.path ?? '')} ${formatBytes(largest?.bytes)}`, {
      detail: sizes.slice(0, 10).map((each) => `${formatBytes(each.bytes)}  ${sanitiseLine(each.path)}`),
      value: { entries: sizes.length, isWhole: ended },
    }),
    command,
  }
}

/** Where the data tier really lies, and of which tier that is. */
async function checkpointPlace(look: Look): Promise<CheckpointPlace | null> {
  if (look.data === null) return null
  const real = await look.realPathOf(look.data)
  const mount = (await look.spaceOf(look.data))?.mount
  if (!real.isKnown || real.value.state === 'dangling') return null
  const point = mount?.isKnown ? mount.value.point : null
  // Of what is not made yet, only the folder above is known: that is no other place.
  const path = real.value.state === 'there' ? real.value.path : (look.data.path ?? real.value.path)
  return {
    path,
    tier: tierAt(look.tiers, path, point),
    mountType: mount?.isKnown ? mount.value.type : null,
  }
}

/** Pulled files are renamed into place: partial and final folder must lie on one file system. */
async function sameFileSystem(look: Look): Promise<Looked> {
  const run = look.ctx.run.folder
  const artifacts = join(run, 'artifacts')
  await mkdir(artifacts, { recursive: true, mode: 0o700 })
  const [a, b] = await Promise.all([lstat(run), lstat(artifacts)])
  const command = `stat -c %d ${run} ${artifacts}`
  if (b.isSymbolicLink()) return { ...fail('the artifacts folder of the run is a symlink'), command }
  return a.dev === b.dev
    ? { ...pass('pulled files are renamed on one file system', { value: { device: a.dev } }), command }
    : { ...fail('the artifacts folder lies on another file system'), command }
}

async function sharedSecrets(look: Look): Promise<Looked> {
  const path = look.durable?.path ?? null
  if (path === null) return unsure('the path of the durable tier is not known on this host')
  const entries = await look.host.list(path)
  const names = (entries ?? []).map((entry) => sanitiseLine(entry.path.slice(path.length + 1)))
  return { ...judgeSharedSecrets(names, path), command: `ls -A ${path}` }
}

export const storageItems: readonly AuditItem[] = [
  {
    spec: {
      id: 'audit.survival-matrix',
      title: 'It is known what each place survives',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Complete the storage section of the profile.',
    },
    look: (look) => judgeSurvivalMatrix(look.profile, pathsOf(look)),
  },
  {
    spec: {
      id: 'audit.checkpoint-tier',
      title: 'Checkpoints outlive the end of the machine',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Let checkpoints go to a tier that survives, or choose another profile.',
    },
    look: async (look) => ({
      ...judgeCheckpointTier(
        look.profile,
        look.data?.tier ?? null,
        look.data?.path ?? null,
        await checkpointPlace(look),
      ),
      command: `readlink -f ${look.data?.path ?? ''}; findmnt -T ${look.data?.path ?? ''}`,
    }),
  },
  {
    spec: {
      id: 'audit.region-lock',
      title: 'Shared storage and machine are in one region',
      gate,
      severity: 'error',
      how: 'auto',
    },
    look: async (look) => {
      if (look.isLocal) return notApplicable('storage and machine are one')
      const { path } = look.profile.sharedFileSystem
      const space = (await look.spaces()).find((each) => each.tier.path === path || each.path === path) ?? null
      return { ...judgeRegionLock(look.profile, space), command: `findmnt -T ${path ?? ''}` }
    },
  },
  {
    spec: {
      id: 'audit.disk-bytes',
      title: 'Free bytes on each tier',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Free room, or ask for a larger disk.',
    },
    look: async (look) => ({ ...judgeBytes(await look.spaces()), command: `df -P -B1 -- ${listed(look)}` }),
  },
  {
    spec: {
      id: 'audit.inodes',
      title: 'Free inodes on each tier',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Pack small files of finished units into archives, or remove caches.',
    },
    look: async (look) => ({ ...judgeInodes(await look.spaces()), command: `df -P -i -- ${listed(look)}` }),
  },
  {
    spec: { id: 'audit.space-hogs', title: 'What takes the room', gate, severity: 'info', how: 'auto' },
    timeoutSeconds: 30,
    look: spaceHogs,
  },
  {
    spec: {
      id: 'audit.checkpoint-budget',
      title: 'Checkpoints and scratch fit',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Free room, keep fewer checkpoints, or ask for a larger disk.',
    },
    look: checkpointBudget,
  },
  {
    spec: {
      id: 'audit.inode-budget',
      title: 'The planned small files fit',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Write fewer files a unit, or pack them.',
    },
    look: inodeBudget,
  },
  {
    spec: {
      id: 'audit.same-filesystem',
      title: 'Renames stay on one file system',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Keep .kx/runs on one file system.',
    },
    look: (look) => (look.isLocal ? sameFileSystem(look) : notApplicable('no export layout on this host')),
  },
  {
    spec: {
      id: 'audit.secrets-not-shared',
      title: 'No credential on the durable place',
      gate: 'audit/access',
      severity: 'error',
      how: 'auto',
      fix: 'Move the file to a key store, and give out a new key.',
    },
    look: sharedSecrets,
  },
]
