import { createHash } from 'node:crypto'
import { prologue } from '../remote/answer.ts'
import type { Host } from '../types.ts'
import { failed, lost } from './errors.ts'

/**
 * Programs that hash, in the order of speed as measured (handbook ssh 9.5), as the body of a shell function: with file
 * names one line each, `hash` and name; without any, of standard input.
 */
const hashers: Readonly<Record<string, string>> = {
  openssl: 'openssl dgst -sha256 -r "$@"',
  python3: `python3 -c 'import hashlib,sys
for n in sys.argv[1:] or [0]:
    h=hashlib.sha256()
    try:
        f=open(n,"rb")
    except OSError:
        continue
    while True:
        b=f.read(1048576)
        if not b: break
        h.update(b)
    sys.stdout.write(h.hexdigest()+"  "+("-" if n==0 else n)+"\\n")' "$@"`,
  sha256sum: 'sha256sum "$@"',
  busybox: 'busybox sha256sum "$@"',
  shasum: 'shasum -a 256 "$@"',
}

const probeMiB = 16

// The time is the kernel's own, in hundredths of a second, read by the shell itself.
const probeScript = `${prologue}kx_now() { kx_t=; IFS=' ' read -r kx_t kx_r </proc/uptime 2>/dev/null; }
kx_try() {
  command -v "$2" >/dev/null 2>&1 || return 0
  kx_now; kx_a=\${kx_t:--}
  kx_h=$(dd if=/dev/zero bs=1048576 count=${probeMiB} 2>/dev/null | kx_$1 2>/dev/null) || return 0
  kx_now
  printf '%s %s %s %s\\n' "$1" "$kx_a" "\${kx_t:--}" "\${kx_h%% *}"
}
${Object.entries(hashers)
  .map(([name, body]) => `kx_${name}() { ${body}; }\nkx_try ${name} ${body.split(' ')[0]}`)
  .join('\n')}
echo end`

export interface Hasher {
  readonly name: string
  /** Body of a shell function. */
  readonly body: string
  /** Null where the host does not tell the time. */
  readonly mibPerSecond: number | null
}

let zeros: string | null = null
/** Hash of what the probe hashes: a program that says another one is not asked again. */
function zerosSha256(): string {
  if (zeros !== null) return zeros
  const hash = createHash('sha256')
  const block = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < probeMiB; i += 1) hash.update(block)
  zeros = hash.digest('hex')
  return zeros
}

/** The fastest of those that answered rightly; the first one known where no time was told. Null: none is of use. */
export function chooseHasher(answer: string): Hasher | null {
  let best: Hasher | null = null
  for (const line of answer.split('\n')) {
    const [name = '', before, after, sha256] = line.split(' ')
    const body = hashers[name]
    if (body === undefined || sha256 !== zerosSha256()) continue
    const seconds = Number(after) - Number(before)
    const mibPerSecond = Number.isFinite(seconds) && seconds >= 0 ? probeMiB / Math.max(0.01, seconds) : null
    if (best === null || (mibPerSecond !== null && mibPerSecond > (best.mibPerSecond ?? Number.POSITIVE_INFINITY)))
      best = { name, body, mibPerSecond }
  }
  return best
}

const known = new WeakMap<Host, Promise<Hasher>>()

/** The fastest program there that hashes rightly, tried out once a connection. @throws TransferError when there is none. */
export async function hasherOf(host: Host, signal: AbortSignal): Promise<Hasher> {
  const found = known.get(host) ?? probe(host, signal)
  known.set(host, found)
  try {
    return await found
  } catch (error) {
    known.delete(host)
    throw error
  }
}

async function probe(host: Host, signal: AbortSignal): Promise<Hasher> {
  const ran = await host.exec(['sh', '-c', probeScript], { timeoutSeconds: 120, signal })
  signal.throwIfAborted()
  if (ran.ending.kind !== 'exited')
    throw lost(
      ran.ending.kind === 'unknown' ? ran.ending.reason : `the look at hashers was ended by ${ran.ending.signal}`,
    )
  const found = chooseHasher(Buffer.from(ran.stdout).toString('latin1'))
  if (found === null)
    throw failed(`nothing on ${host.name} hashes: install one of openssl, coreutils, python3, busybox or perl there`)
  return found
}

/** Time for so many bytes at the slowest hasher that was measured, on a disk of 32 MiB/s. */
export const hashSeconds = (bytes: number) => 120 + bytes / (32 * 1024 * 1024)

const prefixScript = (body: string) => `${prologue}kx_hash() { ${body}; }
[ -f "$1" ] || exit 44
exec <"$1" || exit 1
if [ "$2" = all ]; then kx_hash; else head -c "$2" | kx_hash; fi`

/**
 * SHA-256 of the first `length` bytes of a file (or of all of it), read and computed there. Null: it is not there.
 *
 * @throws TransferError
 */
export async function hashThere(
  host: Host,
  path: string,
  length: number | null,
  bytes: number,
  signal: AbortSignal,
): Promise<string | null> {
  const { body } = await hasherOf(host, signal)
  const ran = await host.exec(['sh', '-c', prefixScript(body), 'sh', path, length === null ? 'all' : String(length)], {
    timeoutSeconds: hashSeconds(length ?? bytes),
    signal,
  })
  signal.throwIfAborted()
  if (ran.ending.kind === 'unknown') throw lost(ran.ending.reason)
  if (ran.ending.kind === 'exited' && ran.ending.code === 44) return null
  const said = /^([0-9a-f]{64})\b/.exec(Buffer.from(ran.stdout).toString('latin1'))?.[1]
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0 || said === undefined)
    throw failed(`the file could not be hashed on ${host.name}`)
  return said
}
