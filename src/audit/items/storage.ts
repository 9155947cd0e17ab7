import { lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unknown } from '../../host/probe/value.ts'
import { formatBytes } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { type AuditItem, type Look, type Looked, ranAs } from '../look.ts'
import {
  type BudgetInput,
  judgeBytes,
  judgeCheckpointBudget,
  judgeCheckpointTier,
  judgeInodeBudget,
  judgeInodes,
  judgeSharedSecrets,
  judgeSurvivalMatrix,
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
  return {
    ...judgeCheckpointBudget(input, disk?.bytes ?? nothing, disk?.inodes ?? nothing),
    command: `df -P -B1 -- ${look.data.path ?? ''}`,
  }
}

async function inodeBudget(look: Look): Promise<Looked> {
  if (look.data === null) return fail('the profile names no data tier')
  const disk = await look.spaceOf(look.data)
  const { inodeCap } = look.profile
  const cap = look.data.tier.inodeCap ?? (typeof inodeCap === 'number' ? inodeCap : null)
  const { files } = budgetInput(look, null)
  return {
    ...judgeInodeBudget(files, disk?.inodes ?? unknown('its path is not known on this host'), cap),
    command: `df -P -i -- ${look.data.path ?? ''}`,
  }
}

/** Largest entries of the tiers that kx writes to, symlinks resolved to where the bytes really lie. */
async function spaceHogs(look: Look): Promise<Looked> {
  const first = await weigh(look)
  // Other items of the audit try these places out with files that are gone a moment later.
  return first.result === 'unknown' ? weigh(look) : first
}

async function weigh(look: Look): Promise<Looked> {
  const roots = [look.data, look.durable].flatMap((each) => (each?.path ? [each.path] : []))
  const entries: string[] = []
  for (const root of [...new Set(roots)]) {
    const children = await look.host.list(root)
    // The file by which another item tries the place out takes no room that anybody asks about.
    for (const child of children ?? [])
      if (child.kind !== 'other' && !child.path.includes('/.kx-probe-')) entries.push(child.path)
  }
  if (entries.length === 0) return pass('nothing lies there yet')
  const argv = ['nice', '-n', '15', 'du', '-xskD', '--', ...entries.slice(0, 500)]
  const ran = await look.exec(argv, { timeoutSeconds: 20 })
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
  const evidence = { ...ranAs(argv.slice(0, 6), ran), command: `du -xskD -- ${roots.join(' ')}/*` }
  if (sizes.length === 0)
    return {
      ...unsure(ran.timedOut ? 'du did not end in time' : `du gave no figures${firstLine(ran.stderr)}`, {
        fix: `Look by hand: ${evidence.command}`,
      }),
      ...evidence,
    }
  const largest = sizes[0]
  return {
    ...pass(`largest: ${sanitiseLine(largest?.path ?? '')} ${formatBytes(largest?.bytes)}`, {
      detail: sizes.slice(0, 10).map((each) => `${formatBytes(each.bytes)}  ${sanitiseLine(each.path)}`),
      value: { entries: sizes.length, isWhole: !ran.timedOut },
    }),
    ...evidence,
  }
}

function firstLine(bytes: Uint8Array): string {
  const line = sanitiseLine(new TextDecoder().decode(bytes.subarray(0, 300)).trim().split('\n')[0] ?? '')
  return line === '' ? '' : `: ${line}`
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
    look: (look) => ({
      ...judgeCheckpointTier(look.profile, look.data?.tier ?? null, look.data?.path ?? null),
      command: `findmnt -T ${look.data?.path ?? ''}`,
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
    look: (look) =>
      look.isLocal
        ? notApplicable('storage and machine are one')
        : look.profile.sharedFileSystem.path === null
          ? notApplicable(`${look.profile.platform} has no shared or network volume by its profile`)
          : unsure('the region cannot be read back'),
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
