import { posix } from 'node:path'
import { HostError } from '../errors.ts'
import { checkPath } from '../local-files.ts'
import { parseMountinfo } from '../probe/mountinfo.ts'
import { answerOf, type Doing, oddAnswer, prologue, refusedCode, splitNul } from './answer.ts'
import type { RunScript } from './types.ts'

const real = `real() { (CDPATH= cd -P -- "$1" && pwd -P && printf x) }
`
// Prints what the target is, its real path, the real path of the folder above, and the mounts.
const lookScript = `${prologue}${real}if [ -L "$1" ]; then printf 'symlink\\0'; exit; fi
if [ ! -e "$1" ]; then
  stat -c %f -- "$1" >/dev/null 2>&1 || case $(stat -c %f -- "$1" 2>&1) in
    *': No such file or directory' | *': Not a directory') printf 'none\\0'; exit ;;
  esac
  stat -c %f -- "$1" >/dev/null
  exit 1
fi
if [ ! -d "$1" ]; then printf 'other\\0'; exit; fi
if [ -L "$2" ]; then printf 'linked\\0'; exit; fi
kx_t=$(real "$1") || exit 1
kx_u=$(real "$2") || exit 1
printf 'folder\\0%s\\0%s\\0' "\${kx_t%?x}" "\${kx_u%?x}"
cat /proc/self/mountinfo 2>/dev/null
printf '\\0'`

// The same comparison again right before the removal, and a look that it is gone after it.
const removeScript = `${prologue}${real}kx_t=$(real "$1") || exit 1
if [ -L "$1" ] || [ "\${kx_t%?x}" != "$1" ]; then
  echo 'it changed while kx looked at it' >&2
  exit ${refusedCode}
fi
rm -rf -- "$1" || exit 1
if [ -e "$1" ] || [ -L "$1" ]; then
  echo 'it is still there after rm' >&2
  exit ${refusedCode}
fi
printf removed`

/**
 * Removes one folder and what is in it. Refused unless the folder really lies under `mustBeUnder`: no symlink at
 * either end or on the way between them, no mount point inside, never the upper folder itself. Nothing there: nothing
 * to do.
 */
export async function removeTreeRemote(run: RunScript, path: string, mustBeUnder: string): Promise<void> {
  checkPath(path)
  checkPath(mustBeUnder)
  const doing: Doing = { verb: 'remove', path }
  const refuse = (why: string): never => {
    throw new HostError(`Refused to remove ${path}: ${why}. Look at it, and remove it by hand if that is right.`)
  }
  const target = posix.normalize(path).replace(/\/+$/, '')
  const under = posix.normalize(mustBeUnder).replace(/\/+$/, '')
  if (under === '') refuse('the folder that it must lie under is the root of the file system')
  const way = posix.relative(under, target)
  if (way === '' || way === '..' || way.startsWith('../')) refuse(`it does not lie under ${mustBeUnder}`)

  const answer = answerOf(await run(lookScript, [target, under], { maxBytes: 16 * 1024 * 1024 }), doing)
  const [kind, realTarget, realUnder, mountinfo, ...more] =
    splitNul(answer)?.map((part) => new TextDecoder().decode(part)) ?? []
  if (kind === 'none' && realTarget === undefined) return
  if (kind === 'symlink') refuse('it is a symlink')
  if (kind === 'other') refuse('it is not a folder')
  if (kind === 'linked') refuse(`${mustBeUnder} is a symlink`)
  if (kind !== 'folder' || realTarget === undefined || realUnder === undefined || mountinfo === undefined || more[0])
    throw oddAnswer(doing, answer)
  if (realUnder === '/' || !realTarget.startsWith('/') || posix.relative(realUnder, realTarget) !== way)
    refuse('a folder on the way to it is a symlink')
  const mount = parseMountinfo(mountinfo)
    .map(({ point }) => point)
    .find((point) => point === realTarget || point.startsWith(`${realTarget}/`))
  if (mount !== undefined) refuse(`another file system is mounted at ${mount}`)
  const removed = answerOf(await run(removeScript, [realTarget], { timeoutSeconds: 600 }), doing)
  if (new TextDecoder().decode(removed) !== 'removed') throw oddAnswer(doing, removed)
}
