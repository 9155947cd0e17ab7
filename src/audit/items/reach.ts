import { randomBytes } from 'node:crypto'
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { clockText } from '../../profile/lines.ts'
import { messageOf } from '../../run/errors.ts'
import { unreadClocks } from '../../run/read-clocks.ts'
import { plural } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { type AuditItem, type Look, type Looked, ranAs, textOf } from '../look.ts'
import { judgeBoxName } from '../rules/machine.ts'
import { judgeLineEndings } from '../rules/project.ts'
import { unsure } from '../rules/verdict.ts'
import { sshItems } from './ssh.ts'

const gate = 'audit/reach' as const

async function reachable(look: Look): Promise<Looked> {
  const argv = ['echo', 'reachable']
  const ran = await look.exec(argv)
  const text = textOf(ran)
  const evidence = ranAs(argv, ran)
  if (!text.isKnown) return { ...fail(`no answer: ${text.reason}`), ...evidence }
  return text.value.trim() === 'reachable'
    ? { ...pass(`answers as ${sanitiseLine(look.identity.hostname)}`), ...evidence }
    : { ...fail('it answers something else'), ...evidence }
}

function identity(look: Look): Looked {
  const { machineId, bootId, hostname, user } = look.identity
  const command = 'cat /etc/machine-id /proc/sys/kernel/random/boot_id'
  const value = { hostname, machineId, bootId, user }
  if (machineId === null && bootId === null)
    return { ...unsure('neither machine-id nor boot-id can be read', { value }), command }
  const text = `${sanitiseLine(hostname)}, machine ${machineId?.slice(0, 12) ?? 'not known'}, boot ${bootId?.slice(0, 8) ?? 'not known'}`
  return { ...pass(text, { value }), command }
}

/** Names of the probe's file, and of what a write of it goes through. */
const ownName = /^(?:\.kx-probe-[0-9a-f]{12}|\.\.kx-probe-[0-9a-f]{12}\.kx-[0-9a-f]{12})$/
const leftoverMs = 3_600_000

/** What an audit that was killed has left in this folder. By the file system's own clock: younger ones may be at work. */
async function removeLeftovers(look: Look, folder: string, own: string): Promise<void> {
  const entries = (await look.host.list(folder).catch(() => null)) ?? []
  const now = entries.find(({ path }) => path === own)?.mtimeMs
  if (now === undefined) return
  const old = entries.filter(
    ({ path, kind, mtimeMs }) =>
      kind === 'file' && ownName.test(path.slice(folder.length + 1)) && mtimeMs < now - leftoverMs,
  )
  // A thousand a look: more would not fit into one command.
  if (old.length > 0) await look.exec(['rm', '-f', '--', ...old.slice(0, 1000).map(({ path }) => path)])
}

/** Writes a nonce to the tiers that must keep things, reads it back, and removes it. */
async function durableMount(look: Look): Promise<Looked> {
  if (look.durable === null) return fail('the profile names no durable tier')
  const detail: string[] = []
  for (const each of [look.durable, look.data]) {
    if (each === null) continue
    if (each.path === null) return unsure(`the path of tier ${each.tier.id} is not known on this host`)
    const nonce = randomBytes(16).toString('hex')
    const path = join(each.path, `.kx-probe-${nonce.slice(0, 12)}`)
    try {
      await look.host.write(path, nonce)
      const back = await look.host.read(path, 0, 64)
      if (back === null || new TextDecoder().decode(back) !== nonce)
        return fail(`${each.path} gives back something else than was written`, { detail })
      await removeLeftovers(look, each.path, path)
    } catch (error) {
      return fail(`${each.path}: ${sanitiseLine(messageOf(error))}`, { detail })
    } finally {
      await look.exec(['rm', '-f', '--', path])
    }
    const mount = (await look.spaceOf(each))?.mount
    detail.push(
      `${each.tier.id} ${each.path} on ${mount?.isKnown ? `${sanitiseLine(mount.value.point)} (${mount.value.type})` : 'a mount that is not known'}: written and read back`,
    )
  }
  return {
    ...pass(`${look.durable.path} written and read back`, { detail }),
    command: `findmnt -T ${look.durable.path}`,
  }
}

const scriptName = /\.(sh|bash|ksh|zsh|command)$/
const scriptLimit = 1024 * 1024

/** Scripts of the code list: by name, or by their first two bytes. */
async function lineEndings(look: Look): Promise<Looked> {
  const withCr: string[] = []
  let scripts = 0
  for (const file of look.ctx.loaded.code) {
    if (file.bytes > scriptLimit) continue
    const path = join(look.ctx.loaded.projectFolder, file.path)
    const handle = await open(path, 'r').catch(() => null)
    if (handle === null) continue
    try {
      const head = Buffer.alloc(2)
      await handle.read(head, 0, 2, 0)
      if (!scriptName.test(file.path) && head.toString('latin1') !== '#!') continue
      scripts++
      const bytes = Buffer.alloc(file.bytes)
      const { bytesRead } = await handle.read(bytes, 0, file.bytes, 0)
      if (bytes.subarray(0, bytesRead).includes(13)) withCr.push(sanitiseLine(file.path))
    } finally {
      await handle.close()
    }
  }
  const argv = ['git', '-C', look.ctx.loaded.projectFolder, 'check-attr', 'eol', '--', 'x.sh']
  const isGit = (await lstat(join(look.ctx.loaded.projectFolder, '.git')).catch(() => null)) !== null
  const ran = await look.local.exec(argv, { timeoutSeconds: 15, signal: look.ctx.signal })
  const text = textOf(ran)
  const isForced = text.isKnown && (isGit || /eol: lf/.test(text.value)) ? /eol: lf\s*$/.test(text.value) : null
  return { ...judgeLineEndings(withCr, scripts, scripts === 0 ? null : isForced), ...ranAs(argv, ran) }
}

/** Shown at first contact, and once more in the audit: who launches has to know what ends or bills by itself. */
function dangerClocks({ profile }: Look): Looked {
  const { dangerClocks: clocks, platform } = profile
  if (clocks.length === 0) return notApplicable(`${platform} has no clock that ends or bills anything by itself`)
  const unread = unreadClocks(profile)
  const command = `kx profile show ${platform}`
  return unread.length === 0
    ? {
        ...pass(`${plural(clocks.length, 'danger clock')} read on this machine`, { detail: clocks.map(clockText) }),
        command,
      }
    : {
        ...unsure(`${plural(unread.length, 'danger clock')} not acknowledged yet`, { detail: unread.map(clockText) }),
        command,
      }
}

export const reachItems: readonly AuditItem[] = [
  {
    spec: {
      id: 'audit.reachable',
      title: 'The host answers',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Look at power, balance and address of the machine, then try again.',
    },
    look: reachable,
  },
  {
    spec: {
      id: 'audit.host-identity',
      title: 'It is known which machine answers',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Give the machine a machine-id (systemd-machine-id-setup), or mount /proc.',
    },
    look: identity,
  },
  ...sshItems,
  {
    spec: {
      id: 'audit.durable-mount',
      title: 'The durable place takes and gives back bytes',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Make the folder writable for this user, or mount the durable storage.',
    },
    look: durableMount,
  },
  {
    spec: {
      id: 'audit.image-snapshot',
      title: 'An image holds environment and code',
      gate,
      severity: 'info',
      how: 'auto',
    },
    look: ({ profile }) =>
      profile.kind === 'workstation' || profile.kind === 'ssh'
        ? notApplicable('this machine is kept: nothing is built anew for each run')
        : unsure('images of this platform cannot be listed from here: look at its console'),
  },
  {
    spec: {
      id: 'audit.line-endings',
      title: 'Scripts have LF line ends',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Save scripts with LF and put "*.sh text eol=lf" into .gitattributes.',
    },
    look: lineEndings,
  },
  {
    spec: {
      id: 'audit.box-name',
      title: 'The machine carries its name and our tags',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Call the alias in ~/.ssh/config or the machine <project>-<purpose>-<yyyymmdd>: it tells whose bill it is.',
    },
    look: ({ profile, plan, host, identity: { hostname } }) => ({
      ...judgeBoxName(profile, plan.name, [host.name, sanitiseLine(hostname)]),
      command: 'uname -n',
    }),
  },
  {
    spec: {
      id: 'audit.danger-clocks',
      title: 'What ends or bills by itself here was read',
      gate,
      severity: 'warn',
      how: 'both',
      fix: 'Read and acknowledge them: kx profile acknowledge.',
    },
    look: dangerClocks,
  },
]
