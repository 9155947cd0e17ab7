import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plannedEnvironment, readReady } from '../../environment/place.ts'
import { digestOf } from '../../spec/digest.ts'
import { formatBytes } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { type AuditItem, type Look, type Looked, ranAs, textOf } from '../look.ts'
import {
  type DataLook,
  findSecrets,
  judgeDataExists,
  judgeDataHash,
  judgeDataSize,
  judgeGit,
  judgeInstaller,
  judgeSecrets,
  readRequirements,
  type SecretHit,
} from '../rules/project.ts'
import { unsure } from '../rules/verdict.ts'

const gate = 'audit/access' as const
const scanLimit = 2 * 1024 * 1024
const maximumDataFiles = 100_000

async function secretsInTree(look: Look): Promise<Looked> {
  const hits: SecretHit[] = []
  let files = 0
  let skipped = 0
  for (const file of look.ctx.loaded.code) {
    look.ctx.signal.throwIfAborted()
    const bytes =
      file.bytes > scanLimit ? null : await readFile(join(look.ctx.loaded.projectFolder, file.path)).catch(() => null)
    if (bytes === null || bytes.subarray(0, 8000).includes(0)) {
      skipped++
      continue
    }
    files++
    for (const hit of findSecrets(sanitiseLine(file.path), bytes.toString('utf8'))) hits.push(hit)
  }
  return judgeSecrets(hits, files, skipped)
}

const bounds = (look: Look) => ({ timeoutSeconds: 15, signal: look.ctx.signal })

async function gitState(look: Look): Promise<Looked> {
  const folder = look.ctx.loaded.projectFolder
  const git = async (...args: string[]) => {
    const argv = ['git', '-C', folder, ...args]
    const ran = await look.local.exec(argv, {
      ...bounds(look),
      env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
    })
    return { ran, text: textOf(ran), argv }
  }
  const inside = await git('rev-parse', '--is-inside-work-tree')
  const command = `git -C ${folder} status --porcelain`
  if (inside.ran.ending.kind === 'exited' && inside.ran.ending.code === 127)
    return { ...notApplicable('there is no git here; the code digest holds the files'), command }
  const isRepository = inside.text.isKnown && inside.text.value.trim() === 'true'
  if (!isRepository)
    return { ...judgeGit({ isRepository, commit: null, dirty: [], isPushed: null, hasRemote: false }), command }
  const head = await git('rev-parse', '--verify', 'HEAD')
  const status = await git('status', '--porcelain', '-z', '--', '.')
  if (!status.text.isKnown) return { ...unsure(status.text.reason), command }
  const dirty = status.text.value
    .split('\0')
    .filter((line) => line.length > 3 && !line.slice(3).split('/').includes('.kx'))
    .map((line) => sanitiseLine(line))
  const commit = head.text.isKnown ? head.text.value.trim() : null
  const remotes = await git('remote')
  const hasRemote = remotes.text.isKnown && remotes.text.value.trim() !== ''
  const holding = commit === null || !hasRemote ? null : await git('branch', '-r', '--contains', commit)
  const isPushed = holding?.text.isKnown ? holding.text.value.trim() !== '' : null
  return {
    ...judgeGit({ isRepository, commit, dirty, isPushed, hasRemote }),
    ...ranAs(status.argv, status.ran),
    command,
  }
}

async function installer(look: Look): Promise<Looked> {
  const { environment } = look.plan
  if (environment.kind !== 'uv')
    return notApplicable(
      environment.kind === 'image' ? 'the image is the environment' : 'the plan uses an interpreter of the system',
    )
  const requirements = await readFile(
    join(look.ctx.loaded.projectFolder, environment.lock ?? environment.requirements),
    'utf8',
  ).catch(() => null)
  const facts = requirements === null ? null : readRequirements(requirements)
  const planned = await plannedEnvironment(look.ctx)
  const ready = planned.kind === 'uv' ? await readReady(look.host, planned.place) : null
  const verdict = judgeInstaller(ready, facts, planned.kind === 'refused' ? planned.why : null)
  return {
    ...verdict,
    ...(verdict.detail === undefined ? {} : { detail: verdict.detail.map((line) => sanitiseLine(line)) }),
    ...(planned.kind === 'uv' ? { command: `cat ${planned.place.folder}/ready.json` } : {}),
  }
}

/** Data of the plan as it lies on the host now: size, and the hash where one was declared. */
async function dataLooks(look: Look, withHash: boolean): Promise<readonly DataLook[]> {
  const found: DataLook[] = []
  for (const entry of look.plan.data) {
    const declared = { declaredBytes: entry.bytes ?? null, declaredSha256: entry.sha256 ?? null }
    const nothing = { bytes: null, sha256: null, ...declared }
    if (entry.path === undefined) {
      found.push({ name: sanitiseLine(entry.uri ?? ''), kind: 'remote', ...nothing })
      continue
    }
    const name = sanitiseLine(entry.path)
    const path = join(look.ctx.loaded.projectFolder, entry.path)
    const stat = await look.local.stat(path)
    if (stat === null) found.push({ name, kind: 'missing', ...nothing })
    else if (stat.kind === 'file')
      found.push({
        name,
        kind: 'file',
        bytes: stat.bytes,
        sha256: withHash && entry.sha256 !== undefined ? await look.local.sha256(path, look.ctx.signal) : null,
        ...declared,
      })
    else if (stat.kind === 'folder')
      found.push({
        name,
        kind: 'folder',
        ...(await folderLook(look, path, withHash && entry.sha256 !== undefined)),
        ...declared,
      })
    else found.push({ name, kind: 'other', ...nothing })
  }
  return found
}

/** Size and digest of a folder: digest over (path, bytes, hash) of its files, as the plan's data digest counts it. */
async function folderLook(
  look: Look,
  root: string,
  withHash: boolean,
): Promise<{ bytes: number | null; sha256: string | null }> {
  const files: { path: string; bytes: number }[] = []
  const visit = async (folder: string): Promise<void> => {
    for (const entry of (await look.local.list(folder)) ?? []) {
      if (entry.kind === 'folder') await visit(entry.path)
      else if (entry.kind === 'file') files.push({ path: entry.path, bytes: entry.bytes })
      if (files.length > maximumDataFiles) throw new Error(`more than ${maximumDataFiles} files`)
    }
  }
  await visit(root)
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  if (!withHash) return { bytes, sha256: null }
  const rows: [string, number, string][] = []
  for (const file of files)
    rows.push([file.path.slice(root.length + 1), file.bytes, await look.local.sha256(file.path, look.ctx.signal)])
  rows.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  return { bytes, sha256: digestOf(rows) }
}

async function dataLocality(look: Look): Promise<Looked> {
  if (look.plan.data.length === 0) return notApplicable('the plan names no data')
  // Elsewhere the data are sent to the data tier before the run reads them.
  const folder = look.isLocal ? look.ctx.loaded.projectFolder : (look.data?.path ?? null)
  if (folder === null) return unsure('the path of the data tier is not known on this host')
  const disk = (await look.probe()).probe.disks.find((each) => each.path === folder)
  const command = `findmnt -T ${folder}`
  if (disk === undefined || !disk.mount.isKnown) return { ...unsure('the file system that the data lie on'), command }
  const { type, point } = disk.mount.value
  const isRemote = /^(nfs|cifs|smb|fuse\.|9p|ceph|glusterfs|lustre|beegfs|afs)/.test(type)
  const bytes = look.plan.data.reduce((sum, d) => sum + (d.bytes ?? 0), 0)
  const text = `data lie on ${sanitiseLine(point)} (${type})${bytes > 0 ? `, ${formatBytes(bytes)} declared` : ''}`
  const value = { path: folder, point: sanitiseLine(point), type }
  return { ...(isRemote ? fail(`${text}: over a network`, { value }) : pass(text, { value })), command }
}

export const projectItems: readonly AuditItem[] = [
  {
    spec: {
      id: 'data.exists',
      title: 'The data are there',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Put the data where the plan says, or correct the plan.',
    },
    look: async (look) => judgeDataExists(await dataLooks(look, false)),
  },
  {
    spec: {
      id: 'data.download-size',
      title: 'The data have the declared size',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Fetch the data again, or correct the declared size.',
    },
    look: async (look) => judgeDataSize(await dataLooks(look, false)),
  },
  {
    spec: {
      id: 'data.hash',
      title: 'The data are those that were declared',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Fetch the data again, or declare the hash of the data that are meant.',
    },
    timeoutSeconds: 3600,
    look: async (look) => ({
      ...judgeDataHash(await dataLooks(look, true)),
      command: `sha256sum ${look.plan.data.map((d) => d.path ?? '').join(' ')}`.trim(),
    }),
  },
  {
    spec: {
      id: 'audit.data-locality',
      title: 'The data lie where the run reads them',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Copy the data to a local disk first.',
    },
    look: dataLocality,
  },
  {
    spec: {
      id: 'audit.installer',
      title: 'The packages are there as pinned',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Sync the environment: kx env, or E on this screen.',
    },
    look: installer,
  },
  {
    spec: {
      id: 'audit.secret-manager',
      title: 'No secret lies in the tree',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Take the value out, give out a new one, and name it under secrets in the plan.',
    },
    timeoutSeconds: 60,
    look: secretsInTree,
  },
  {
    spec: {
      id: 'launch.git-clean',
      title: 'Committed and pushed',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Commit and push, so that the run can be made again from the commit.',
    },
    look: gitState,
  },
]
