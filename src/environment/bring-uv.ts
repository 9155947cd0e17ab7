import { endingOfOutput, type HostDollar } from '../host/zx/shell.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { fetchUv } from './scripts.ts'
import { uvRequirement, uvVersion, uvWheels } from './uv-release.ts'

/** What a person has to do before it can go on. */
export class SyncError extends Error {}

const askSeconds = 60

/** Where kx puts the uv that it brings, below the root of its environments. */
export const ownUvFolder = (root: string) => `${root}/uv-${uvVersion}`
export const ownUv = (root: string) => `${ownUvFolder(root)}/bin/uv`

/** The uv to use: what kx brought, else what is on the PATH there. */
export async function findUv(
  $: HostDollar,
  root: string,
): Promise<{ readonly path: string; readonly version: string } | null> {
  const output = await $({
    nothrow: true,
    timeout: askSeconds * 1000,
  })`for uv in ${ownUv(root)} uv; do if v=$("$uv" --version 2>/dev/null); then printf '%s\n%s\n' "$uv" "$v"; break; fi; done`
  if (output.exitCode !== 0) throw output
  const [path = '', words = ''] = output.stdout.trim().split('\n').slice(-2)
  const version = /^uv (\d+\.\d+\.\d+)/.exec(words)?.[1]
  return version === undefined ? null : { path, version }
}

/** Brings it by pip, else by the machine's Python alone; both take only files of the known hashes. */
export async function bringUv(
  $: HostDollar,
  { root, hostName, say }: { readonly root: string; readonly hostName: string; readonly say: (line: string) => void },
): Promise<void> {
  const target = ownUvFolder(root)
  const python = (await $({ nothrow: true })`command -v python3 || command -v python`).stdout.trim().split('\n').at(-1)
  if (python === undefined || python === '')
    throw new SyncError(`There is neither uv nor Python on ${hostName}: install one of them first.`)
  await $`mkdir -p -m 700 ${root}`
  const byPip = await $({
    nothrow: true,
    input: uvRequirement,
  })`${python} -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes --upgrade --target ${target} -r /dev/stdin`
  if (byPip.exitCode === 0) return
  if (endingOfOutput(byPip).kind !== 'exited') throw byPip
  say('pip could not bring it; fetching the same file without pip')
  const machine = (await $`uname -m`).stdout.trim()
  const wheel = uvWheels[machine]
  if (wheel === undefined) throw new SyncError(`kx knows no uv for ${sanitiseLine(machine, 40)}: install uv there.`)
  await $`${python} -c ${fetchUv} ${wheel.sha256} ${`https://files.pythonhosted.org/${wheel.path}`} ${`${target}/bin/uv`}`
}
