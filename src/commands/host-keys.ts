import type { ActResult } from '../run/act.ts'
import { linkData, linkWords } from '../session/link-words.ts'
import type { HostKeyQuestion } from '../session/login-words.ts'
import { hostKeyWords } from '../session/login-words.ts'
import { formatAge } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { sshSettings } from './host-link.ts'
import type { CommandEnvironment } from './types.ts'

async function knownOptions(env: CommandEnvironment) {
  const [{ userFolders }, { configFile }] = await Promise.all([import('../session/paths.ts'), sshSettings(env)])
  return {
    env: process.env,
    stateFolder: userFolders(process.env).state,
    ...(configFile === undefined ? {} : { configFile }),
  }
}

/** Hosts of the plan; none where it cannot be read, which its own screen says. */
async function planHosts(env: CommandEnvironment): Promise<readonly string[]> {
  const { readPlanView } = await import('./plan-view.ts')
  const view = await readPlanView(env.projectFolder, env.settings)
  return view.status === 'ok' ? view.loaded.plan.hosts.filter((name) => name !== 'local') : []
}

const ago = (atMs: number) => {
  const age = formatAge(Date.now() - atMs)
  return age === 'now' ? 'just now' : `${age} ago`
}

/** `kx host list`: hosts of the plan, machines that were seen, links that are open. Asks nobody. */
export async function listHosts(env: CommandEnvironment): Promise<ActResult> {
  const [{ knownNames }, { links }, options, planned] = await Promise.all([
    import('../host/known.ts'),
    import('../session/hosts.ts'),
    knownOptions(env),
    planHosts(env),
  ])
  const seen = knownNames(options.stateFolder)
  const nowMs = Date.now()
  const names = [...new Set([...planned, ...seen.keys(), ...links.all().map((link) => link.host)])]
  const rows = names.map((name) => {
    const link = links.get(name)
    return {
      host: name,
      isInPlan: planned.includes(name),
      machine: seen.get(name) ?? null,
      link: link === null ? null : linkData(link, nowMs),
    }
  })
  const lines = rows.map(({ host, isInPlan, machine }) => {
    const link = links.get(host)
    const parts = [
      isInPlan ? 'in the plan' : '',
      machine === null
        ? 'never seen'
        : `seen ${ago(machine.seenAtMs)} at ${machine.seenAt}, ${machine.keyType} ${machine.fingerprint}`,
      link === null ? '' : linkWords(link, nowMs),
    ]
    return sanitiseLine(`${host}: ${parts.filter((part) => part !== '').join(', ')}`, 400)
  })
  const count = names.length === 1 ? '1 host' : `${names.length} hosts`
  const summary = names.length === 0 ? 'no host is known beside this machine' : `${count}; kx host show NAME says more`
  return { summary, exitCode: 0, data: { hosts: rows }, lines }
}

/** The host that is meant: the named one, or the only one of the plan. */
async function meant(env: CommandEnvironment, host: string | undefined): Promise<string | ActResult> {
  if (host !== undefined && host !== 'local') return host
  const hosts = host === 'local' ? [] : await planHosts(env)
  const [only, ...more] = hosts
  if (only !== undefined && more.length === 0) return only
  const which = hosts.length === 0 ? 'this machine needs no key, and the plan names no other' : hosts.join(', ')
  return { summary: `which host? (${which})`, exitCode: 2, data: { hosts } }
}

/** `kx host show`: every machine on the way, its keys and where they come from, and what was pinned. Connects to nothing. */
export async function showHost(
  env: CommandEnvironment,
  args: { readonly host?: string | undefined },
): Promise<ActResult> {
  const name = await meant(env, args.host)
  if (typeof name !== 'string') return name
  const { knownWay } = await import('../host/known.ts')
  const way = await knownWay(name, await knownOptions(env))
  const lines = way.flatMap((hop, i) => [
    sanitiseLine(
      `${i + 1 < way.length ? 'jump host' : 'host'} ${hop.name}: ${hop.user}@${hop.address} port ${hop.port}`,
      300,
    ),
    ...(hop.keys.length === 0 ? ['  no known_hosts file names it'] : []),
    ...hop.keys.map(({ keyType, fingerprint, marker, file, line }) =>
      sanitiseLine(`  ${marker === 'none' ? '' : `@${marker} `}${keyType} ${fingerprint}  from ${file}:${line}`, 500),
    ),
    ...(hop.machines.length === 0 ? ['  never seen by kx'] : []),
    ...hop.machines.map((machine) =>
      sanitiseLine(
        `  machine ${machine.machineId ?? 'without id'}${machine.instanceId === null ? '' : ` (${machine.instanceId})`}: ${machine.keyType} ${machine.fingerprint}, learnt ${new Date(machine.learntAtMs).toISOString().slice(0, 16)}Z by ${learntBy[machine.learnt]}, seen ${ago(machine.seenAtMs)} at ${machine.seenAt}`,
        500,
      ),
    ),
  ])
  const untrusted = way.filter((hop) => hop.keys.every((key) => key.marker !== 'none'))
  const summary =
    untrusted.length === 0
      ? `${sanitiseLine(name, 128)}: ${way.length === 1 ? 'its key is' : 'all keys on the way are'} known`
      : `nobody knows the key of ${untrusted.map((hop) => sanitiseLine(hop.name, 128)).join(', ')}: kx host trust --host ${sanitiseLine(name, 128)}`
  return { summary, exitCode: 0, data: { host: name, way }, lines }
}

const learntBy = { 'known-hosts': 'known_hosts', person: 'a person', creation: 'its creation' } as const

/**
 * `kx host trust`: connects, shows each key on the way that is not trusted, and writes down what a person confirms; a
 * script names the fingerprints it was told by another way.
 */
export async function trustHost(
  env: CommandEnvironment,
  args: { readonly host?: string | undefined; readonly fingerprint?: string | undefined },
): Promise<ActResult> {
  const name = await meant(env, args.host)
  if (typeof name !== 'string') return name
  const expected = args.fingerprint?.split(',').map((text) => text.trim())
  const bad = expected?.find((text) => !/^SHA256:[A-Za-z0-9+/]{43}$/.test(text))
  if (bad !== undefined)
    return { summary: `${sanitiseLine(bad, 80)} is no fingerprint: SHA256: and 43 letters`, exitCode: 2, data: null }
  const [{ trustWay }, { attendedLogins, renew }, options] = await Promise.all([
    import('../host/known.ts'),
    import('../session/hosts.ts'),
    knownOptions(env),
  ])
  const shown: HostKeyQuestion[] = []
  let isDeclined = false
  const confirm = async (question: HostKeyQuestion) => {
    shown.push(question)
    if (expected !== undefined) return expected.includes(question.fingerprint)
    const { title, lines } = hostKeyWords(question)
    const isYes =
      question.kind === 'unknown'
        ? await env.ask.confirm(title, lines)
        : (await env.ask.typed(title, question.hop, lines)) === question.hop
    isDeclined ||= !isYes
    return isYes
  }
  const { trusted, why } = await trustWay(name, {
    ...options,
    logins: attendedLogins,
    confirm,
    by: env.who,
    signal: env.signal,
  })
  await renew(name)
  const lines = trusted.map((key) =>
    sanitiseLine(
      `${key.hop}: ${key.keyType} ${key.fingerprint} ${key.byPerson ? 'confirmed now' : 'was trusted before'}`,
      300,
    ),
  )
  const data = { host: name, trusted, shown, why }
  if (why === null)
    return {
      summary: trusted.some((key) => key.byPerson)
        ? `the key of ${sanitiseLine(name, 128)} is trusted from now on`
        : `the key of ${sanitiseLine(name, 128)} was trusted before; nothing was changed`,
      exitCode: 0,
      data,
      lines,
    }
  return {
    summary: `nothing was trusted. ${why}`,
    exitCode: isDeclined ? 3 : shown.length === 0 ? 4 : 1,
    data,
    lines: [...lines, ...(expected === undefined ? [] : shown.flatMap((question) => hostKeyWords(question).lines))],
  }
}

/** `kx host forget`: takes the keys of a host out of the user's known_hosts, and gives up the machine that was pinned. */
export async function forgetHost(
  env: CommandEnvironment,
  args: {
    readonly host?: string | undefined
    readonly name?: string | undefined
    readonly reason?: string | undefined
  },
): Promise<ActResult> {
  const name = await meant(env, args.host)
  if (typeof name !== 'string') return name
  const known = await import('../host/known.ts')
  const options = await knownOptions(env)
  const target = (await known.knownWay(name, options)).at(-1)
  const lines = [
    ...(target?.keys ?? []).map((key) =>
      sanitiseLine(`${key.keyType} ${key.fingerprint}  from ${key.file}:${key.line}`, 500),
    ),
    'The lines are kept beside the file. Until the host is trusted anew nothing runs there.',
  ]
  const typed = args.name ?? (await env.ask.typed(`Forget what is known of ${name}?`, name, lines))
  if (typed === null)
    return {
      summary: `nothing was forgotten; a person has to type the name (--name ${name})`,
      exitCode: 3,
      data: null,
      lines,
    }
  if (typed !== name) return { summary: `that is not ${name}; nothing was forgotten`, exitCode: 1, data: null }
  const done = await known.forgetHost(name, {
    ...options,
    by: env.who,
    why: args.reason ?? 'forgotten by a person',
    atMs: Date.now(),
  })
  await (await import('../session/hosts.ts')).renew(name)
  const kept = done.backups.map((path) => sanitiseLine(path, 300)).join(', ')
  const count = done.removed.length === 1 ? '1 line' : `${done.removed.length} lines`
  return {
    summary: `${sanitiseLine(name, 128)} is forgotten: ${count} taken out of known_hosts${kept === '' ? '' : `, kept in ${kept}`}`,
    exitCode: 0,
    data: { host: name, ...done },
  }
}
