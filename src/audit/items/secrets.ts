import { knownSecrets } from '../../secret/known.ts'
import { formatCount } from '../../text/format.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { exportStanza, secretStanza } from '../../text/secret-stanza.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { type AuditItem, type Look, type Looked, textOf } from '../look.ts'
import { unsure } from '../rules/verdict.ts'

/** $1: the name; then the command that shows what the secret enables. Its value comes on standard input, or is the session's own. */
const checker = `${exportStanza}
shift
exec "$@" </dev/null >/dev/null 2>&1`

/**
 * For each secret of the plan: where its value comes from, and what it enables, where the plan names a command for that. The
 * value goes by standard input to that command alone; nothing of what it prints is looked at.
 */
async function secretsThere(look: Look): Promise<Looked> {
  const { secrets: names, secretChecks = {} } = look.plan
  if (names.length === 0) return notApplicable('the plan needs no secrets')
  const registry = await knownSecrets(names)
  const where = look.isLocal ? 'here' : `in a session on ${sanitiseLine(look.host.name)}`
  const detail: string[] = []
  const missing: string[] = []
  const failed: string[] = []
  const untold: string[] = []
  for (const name of names) {
    const value = registry.valueOf(name)
    const isKnown = value !== null && value !== ''
    const ran = isKnown ? null : await look.exec(['sh', '-c', 'printenv -- "$1" >/dev/null', 'sh', name])
    if (ran?.ending.kind === 'unknown') return unsure(ran.ending.reason)
    if (ran !== null && !(ran.ending.kind === 'exited' && ran.ending.code === 0)) {
      missing.push(name)
      continue
    }
    const source = isKnown ? 'known to kx, handed over on standard input' : `set ${where}`
    const check = Object.hasOwn(secretChecks, name) ? secretChecks[name] : undefined
    if (check === undefined) {
      detail.push(`${name}: ${source}; no check is named`)
      continue
    }
    const stanza = secretStanza(new Map(isKnown ? [[name, value] as const] : []))
    const checked = await look.exec(['sh', '-c', checker, 'sh', name, ...check], { stdin: stanza, timeoutSeconds: 15 })
    // A check that did not end has said neither that the secret works nor that it does not.
    const why = checked.timedOut
      ? 'it did not end in its time'
      : checked.ending.kind === 'unknown'
        ? checked.ending.reason
        : null
    if (why !== null) {
      detail.push(`${name}: ${source}; its check: ${why}`)
      untold.push(`the check of ${name}: ${why}`)
      continue
    }
    const code = checked.ending.kind === 'exited' ? `exit code ${checked.ending.code}` : 'a signal'
    detail.push(`${name}: ${source}; its check ended with ${code}`)
    if (code !== 'exit code 0') failed.push(`${name} (${code})`)
  }
  const command = 'printenv -- <name> >/dev/null'
  if (failed.length > 0) return { ...fail(`does not enable what it should: ${failed.join(', ')}`, { detail }), command }
  if (untold.length > 0) return { ...unsure(untold.join('; '), { detail }), command }
  if (missing.length === 0) {
    const text = `${formatCount(names.length)} there; values are neither shown nor stored`
    return { ...pass(text, { detail }), command }
  }
  if (look.isLocal) return { ...fail(`not set: ${missing.join(', ')}`, { detail }), command }
  const file = await credentialFile(look)
  detail.push(`credential file of the profile: ${file.text}`)
  return file.isPrivate
    ? { ...pass(`not in the session (${missing.join(', ')}), and ${file.text}`, { detail }), command }
    : { ...fail(`not set ${where}, nor known to kx: ${missing.join(', ')}`, { detail }), command }
}

/** Whether the file that the profile names for credentials is there, belongs to this user and is shown to nobody else. */
async function credentialFile(look: Look): Promise<{ readonly isPrivate: boolean; readonly text: string }> {
  const named = look.profile.overrides.CRED_FILE ?? ''
  if (named === '') return { isPrivate: false, text: 'none named' }
  const script = `case $1 in "~/"*) file=$HOME/\${1#"~/"} ;; *) file=$1 ;; esac
[ -f "$file" ] || { echo missing; exit 0; }
[ -O "$file" ] || { echo foreign; exit 0; }
ls -ln -- "$file" | cut -c 1-10`
  const ran = await look.host.script(script, [named], { timeoutSeconds: 10, signal: look.ctx.signal })
  const text = textOf(ran)
  const word = text.isKnown ? text.value.trim() : text.reason
  const isPrivate = /^-[r-][w-][x-]------$/.test(word)
  return { isPrivate, text: `${named} ${isPrivate ? 'is there for this user alone' : `(${sanitiseLine(word)})`}` }
}

export const secretsItem: AuditItem = {
  spec: {
    id: 'audit.secrets-stdin',
    title: 'Secrets are there, and travel safely',
    gate: 'audit/access',
    severity: 'error',
    how: 'auto',
    fix: 'Set the named variables in the environment that kx is started from, and mend what their checks ask for.',
  },
  look: secretsThere,
}
