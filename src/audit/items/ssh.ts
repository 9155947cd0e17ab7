import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { known, unknown } from '../../host/probe/value.ts'
import type { SshHost } from '../../host/ssh/types.ts'
import { messageOf } from '../../run/errors.ts'
import { formatBytes, formatDuration } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import type { AuditItem, Look, Looked } from '../look.ts'
import { judgeSessions, mostAtOnce, noSsh } from '../rules/machine.ts'
import { unsure } from '../rules/verdict.ts'

const gate = 'audit/reach' as const
/** Enough to fill the window of a link several times, and gone in seconds on a slow one. */
const probeBytes = 1024 * 1024

/** What a person had to type nobody types when the link is lost at night. */
const isAsked = (host: Look['host']) =>
  'status' in host && typeof host.status === 'function' && (host as SshHost).status().isAsked === true

const key = ({ host }: Look): Looked =>
  pass(
    host.kind === 'ssh'
      ? isAsked(host)
        ? `${sanitiseLine(host.name)} took what you typed and no key; a lost link waits for you then (ssh-copy-id gives it a key)`
        : `a key of yours opens ${sanitiseLine(host.name)}`
      : `the system's ssh gets into ${sanitiseLine(host.name)} without asking`,
  )

const alias = ({ host }: Look): Looked => ({
  ...pass(`reached as ${sanitiseLine(host.name)}; kx itself asks for signs of life on every hop`),
  command: `ssh -G ${sanitiseLine(host.name)}`,
})

interface Sent {
  readonly path: string
  readonly seconds: number
}

/** Random bytes to the data tier and their hash back, read from its disk; then they are removed. */
async function send(look: Look): Promise<Sent | { readonly trouble: string }> {
  const folder = look.data?.path ?? null
  if (folder === null) return { trouble: 'the path of the data tier is not known on this host' }
  const path = join(folder, `.kx-probe-${randomBytes(6).toString('hex')}`)
  const bytes = randomBytes(probeBytes)
  const began = performance.now()
  try {
    await look.host.write(path, bytes)
    const seconds = (performance.now() - began) / 1000
    const there = await look.host.sha256(path, look.ctx.signal)
    if (there !== createHash('sha256').update(bytes).digest('hex'))
      return { trouble: `${path} holds something else than was sent` }
    return { path: folder, seconds }
  } catch (error) {
    return { trouble: sanitiseLine(messageOf(error)) }
  } finally {
    await look.exec(['rm', '-f', '--', path])
  }
}

async function flavour(look: Look): Promise<Looked> {
  const sent = await send(look)
  const said = look.profile.network.ssh.join(', ')
  if ('trouble' in sent) return fail(`no file gets there: ${sent.trouble}`)
  return pass(`${formatBytes(probeBytes)} sent to ${sent.path}, hash read back; the profile says ${said}`)
}

async function routeSpeed(look: Look): Promise<Looked> {
  const sent = await send(look)
  if ('trouble' in sent) return unsure(sent.trouble)
  const perSecond = probeBytes / sent.seconds
  const declared = look.plan.data.reduce((sum, each) => sum + (each.bytes ?? 0), 0)
  const whole = declared === 0 ? '' : `; ${formatBytes(declared)} of data take ${formatDuration(declared / perSecond)}`
  return pass(`${formatBytes(perSecond)} a second with one file of ${formatBytes(probeBytes)}${whole}`, {
    value: { bytesPerSecond: Math.round(perSecond) },
  })
}

/** Started together; kx itself holds no more than this on a connection. */
const together = 6
/** Times by the host's own clock since boot, to hundredths of a second: which of them overlap is seen there. */
const nap = 'read -r began rest </proc/uptime && sleep 1 && read -r ended rest </proc/uptime && echo "$began $ended"'

/** What the server allows by its answers, whatever stands in its configuration (`MaxSessions`). */
async function sessions(look: Look): Promise<Looked> {
  const naps = Array.from({ length: together }, () => look.exec(['sh', '-c', nap], { timeoutSeconds: 30 }))
  const intervals = (await Promise.all(naps)).flatMap(({ stdout }) => {
    const match = /^(\d{1,12}\.\d\d) (\d{1,12}\.\d\d)\n$/.exec(new TextDecoder().decode(stdout))
    return match === null ? [] : [{ began: Number(match[1]), ended: Number(match[2]) }]
  })
  const atOnce =
    intervals.length === together
      ? known(mostAtOnce(intervals))
      : unknown(`${intervals.length} of ${together} commands came to their end`)
  return { ...judgeSessions(atOnce, together), command: 'sshd -T | grep -i maxsessions' }
}

const overSsh = (
  id: string,
  title: string,
  severity: 'error' | 'warn',
  look: AuditItem['look'],
  elsewhere: () => Looked = noSsh,
): AuditItem => ({
  spec: {
    id,
    title,
    gate,
    severity,
    how: 'auto',
    fix: 'Set up the key and the alias for this host, then log in once by hand.',
  },
  timeoutSeconds: 40,
  look: (seen) => (seen.isLocal ? elsewhere() : look(seen)),
})

/** How the way in is made, and what it carries. */
export const sshItems: readonly AuditItem[] = [
  overSsh('audit.ssh-key', 'A key pair for this host', 'error', key),
  overSsh('audit.ssh-alias', 'An alias with keepalive', 'warn', alias),
  overSsh('audit.ssh-flavour', 'The way in carries files', 'error', flavour),
  overSsh('audit.ssh-sessions', 'Enough commands at once on one connection', 'warn', sessions),
]

export const routeItem: AuditItem = {
  spec: {
    id: 'audit.route-speed',
    title: 'Speed of the route of the transfer',
    gate: 'audit/access',
    severity: 'warn',
    how: 'auto',
  },
  timeoutSeconds: 60,
  look: (look) =>
    look.isLocal ? notApplicable('nothing is transferred: code and data are copied on this machine') : routeSpeed(look),
}
