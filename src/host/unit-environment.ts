import { holdsCredential, isSecretName } from '../text/patterns.ts'
import { HostError } from './errors.ts'
import type { Host } from './types.ts'

export interface Withholding {
  /** Names that the plan speaks of: its secrets, which units may have, and the variables that it sets itself. */
  readonly named: readonly string[]
  /** Whether kx knows a secret value that stands in this text. */
  readonly holdsSecret?: (text: string) => boolean
}

/** Without these a program finds neither its files nor its libraries: no likeness to a secret takes them away. */
const needed =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|PWD|HOSTNAME|TERM|TZ|TMPDIR|TMP|TEMP|LANG|LANGUAGE|LC_[A-Z]+|LD_LIBRARY_PATH|PYTHONPATH|PYTHONHOME|VIRTUAL_ENV|CONDA_(?:PREFIX|EXE|DEFAULT_ENV)|UV_(?:CACHE_DIR|PYTHON|PROJECT_ENVIRONMENT)|CUDA_(?:HOME|PATH|VISIBLE_DEVICES)|NVIDIA_(?:VISIBLE_DEVICES|DRIVER_CAPABILITIES)|HF_(?:HOME|HUB_CACHE|DATASETS_CACHE)|TORCH_HOME|XDG_[A-Z]+_(?:HOME|DIR|DIRS))$/
/** Not a secret, but a way to use the keys of whoever is logged in. */
const handles = /^(?:SSH_AUTH_SOCK|SSH_AGENT_PID|GPG_AGENT_INFO)$/
const maximumBytes = 8 * 1024 * 1024

/**
 * Whether units must not have a variable of the environment that kx was started in. What looks like a secret, holds one or
 * is a setting of kx goes, all else stays: an allow list would be stricter, but clusters have odd variables (modules, MPI,
 * fabric, scheduler, site paths) without which a unit fails there and nowhere else, and nobody could list them. What slips
 * through is a secret of an innocent name and form that no source of secrets knows; masking of output has the same limit.
 */
export function isWithheld(name: string, value: string, { named, holdsSecret }: Withholding): boolean {
  if (named.includes(name) || needed.test(name)) return false
  if (name.startsWith('KX_') || handles.test(name)) return true
  return isSecretVariable(name, value, holdsSecret)
}

/** Whether a variable is a secret: by its name, by the form of its value, or because what kx knows stands in it. */
export function isSecretVariable(name: string, value: string, holdsSecret?: (text: string) => boolean): boolean {
  if (needed.test(name)) return false
  return isSecretName(name) || holdsCredential(value) || holdsSecret?.(value) === true
}

/**
 * Names of the variables that programs started on this host would inherit and units must not have, sorted. Throws
 * HostError when the host does not say what they would inherit: then nobody knows what would be handed over.
 */
export async function withheldVariables(
  host: Host,
  rule: Withholding,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  // What no command of this host gets in the first place is kept from units as well, and said with the rest.
  const never = (host.withholds?.() ?? []).filter((name) => !rule.named.includes(name))
  const options = { timeoutSeconds: 15, maxBytes: maximumBytes, ...(signal === undefined ? {} : { signal }) }
  // As it was handed to the program, names that no shell would keep included; env(1) where there is no /proc.
  for (const argv of [
    ['cat', '/proc/self/environ'],
    ['env', '-0'],
  ]) {
    const ran = await host.exec(argv, options)
    if (ran.ending.kind !== 'exited' || ran.ending.code !== 0 || ran.stdoutBytes > maximumBytes) continue
    const names = new TextDecoder()
      .decode(ran.stdout)
      .split('\0')
      .flatMap((entry) => {
        const at = entry.indexOf('=')
        return at > 0 && isWithheld(entry.slice(0, at), entry.slice(at + 1), rule) ? [entry.slice(0, at)] : []
      })
    return [...new Set([...never, ...names])].sort()
  }
  throw new HostError(
    `${host.name} does not say which variables a unit would inherit, and secrets may be among them. Make /proc readable there, or env(1) runnable.`,
  )
}

/** The argument vector of the same program without these variables. By env(1): no shell can unset every name. */
export function withoutVariables(names: readonly string[], argv: readonly string[]): readonly string[] {
  return names.length === 0 ? argv : ['env', ...names.flatMap((name) => ['-u', name]), ...argv]
}
