import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AnyContext, ask, clean, shellKit } from './ask.ts'

/**
 * Everything that is worth keeping of a run in trouble, in sections, each bounded in time and lines. Values that the run was
 * handed as secrets are masked before they leave the host: they never come here. Command lines are left out on purpose.
 * Words: folder of the run (or -), unit (or -), lines of each piece, folder of the control group, most bytes.
 */
const source = `${shellKit}
folder=$1 unit=$2 lines=$3 group=$4 most=$5
[ "$folder" = - ] || cd -- "$folder" || exit 66
section() { printf '\\n== %s ==\\n' "$1"; }
piece() { [ -f "$1" ] || return 0; section "$1 (last $lines lines)"; tail -n "$lines" -- "$1"; }
gather() {
  section host
  uname -srm; date -u '+%Y-%m-%dT%H:%M:%SZ'; uptime; printf 'boot %s\\n' "$boot"
  if [ "$folder" != - ]; then
    section run
    if runner_alive; then echo 'runner: alive'; elif [ -f runner.pid ]; then echo 'runner: gone'; else echo 'runner: no pid file'; fi
    for f in exit.json stop checkpoint.json heartbeat attempt detach; do [ -f "$f" ] && { printf -- '-- %s\\n' "$f"; head -c 4096 -- "$f"; echo; }; done
    section units
    for d in units/*/; do
      [ -f "\${d}exit" ] || continue
      printf '%s %s\\n' "$d" "$(sed -n 's/^\\(code\\|state\\|attempt\\)=/\\1=/p' "\${d}exit" | tr '\\n' ' ')"
    done | head -n "$lines"
    piece events.jsonl
    piece runner.log
    piece guard/alarm
    piece guard/save.log
    for u in units/*/; do
      u=\${u#units/}; u=\${u%/}
      if [ "$unit" = - ]; then
        grep -q '^state=failed' "units/$u/exit" 2>/dev/null || [ -f "units/$u/pid" ] || continue
      else [ "$u" = "$unit" ] || continue; fi
      section "files of unit $u"; ls -ln -- "units/$u" "units/$u/checkpoints" 2>/dev/null
      piece "units/$u/exit"; piece "units/$u/log"; piece "units/$u/metrics.jsonl"; piece "units/$u/events.jsonl"
      if [ -f "units/$u/log" ] && grep -q '^Traceback' "units/$u/log"; then
        section "last traceback of unit $u"
        awk '/^Traceback/ { n = 0; on = 1 } on && n < 200 { keep[n++] = $0 } END { for (i = 0; i < n; i++) print keep[i] }' "units/$u/log"
      fi
    done
  fi
  section 'control group'
  for f in memory.current memory.max memory.events cpu.max memory/memory.usage_in_bytes memory/memory.limit_in_bytes memory/memory.oom_control; do
    [ -r "$group/$f" ] && { printf -- '-- %s\\n' "$f"; head -n 20 "$group/$f"; }
  done
  section 'kernel log'
  if has dmesg; then short dmesg 2>&1 | tail -n "$lines"; else echo 'unknown: no dmesg here'; fi
  section cards
  if has nvidia-smi; then short nvidia-smi 2>&1 | head -n 80; else echo 'no nvidia-smi here'; fi
  section disks
  if [ "$folder" = - ]; then df -P -k / /dev/shm; df -P -i /; else df -P -k . /dev/shm; df -P -i .; fi
  section processes
  ps -eo pid,ppid,stat,etime,rss,comm 2>/dev/null | head -n 300 || ps 2>/dev/null | awk '{ print $1, $2, $3, $4 }' | head -n 300
}
values=/dev/null
if [ "$folder" != - ] && IFS= read -r at 2>/dev/null <secrets.path && [ -r "$at/values" ]; then values=$at/values; fi
gather 2>&1 | awk '
  part == 1 {
    value = substr($0, index($0, "=") + 1)
    gsub(/\\\\\\\\/, "\\001", value); count = split(value, pieces, /\\\\n/)
    for (i = 1; i <= count; i++) { gsub(/\\001/, "\\\\", pieces[i]); if (length(pieces[i]) >= 6) secret[++secrets] = pieces[i] }
    next
  }
  {
    line = $0
    for (i = 1; i <= secrets; i++) {
      out = ""
      while ((at = index(line, secret[i])) > 0) { out = out substr(line, 1, at - 1) "***"; line = substr(line, at + length(secret[i])) }
      line = out line
    }
    print line
  }
' part=1 "$values" part=2 - | head -c "$most"
`

export interface Bundle {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly isCut: boolean
}

export interface BundleAsked {
  readonly unit: string
  readonly lines: number
  readonly kib: number
  readonly cgroup: string
  /** Folder on this machine; empty: that of the run's evidence. */
  readonly into: string
  readonly name: string
}

/** Gathers on the host, cleans and bounds it here, and writes one file of mode 0600. It changes nothing on the host. */
export async function keepBundle(context: AnyContext, asked: BundleAsked): Promise<Bundle> {
  const { host, run } = context
  const into =
    asked.into !== ''
      ? asked.into
      : run === null
        ? context.fail('Without a run there is no place for the bundle.', 'Name a folder: --into <folder>.')
        : join(run.projectFolder, '.kx', 'runs', run.id, 'evidence')
  const most = asked.kib * 1024
  const { text } = await ask(
    context,
    source,
    [host.folder ?? '-', asked.unit === '' ? '-' : asked.unit, String(asked.lines), asked.cgroup, String(most)],
    { timeoutSeconds: 90 },
  )
  const isCut = Buffer.byteLength(text) >= most
  const head = `# Evidence of ${host.name}, ${new Date().toISOString()}\n`
  const cut = isCut ? `\n== cut: more than ${asked.kib} KiB ==\n` : ''
  const bytes = Buffer.from(`${head}${clean(text)}${cut}`)
  await mkdir(into, { recursive: true, mode: 0o700 })
  const safeName = host.name.replaceAll(/[^A-Za-z0-9._-]/g, '_')
  const path = join(into, `${asked.name}-${safeName}-${new Date().toISOString().replaceAll(/[:.]/g, '')}.txt`)
  await writeFile(path, bytes, { mode: 0o600, flag: 'wx' })
  return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), isCut }
}
