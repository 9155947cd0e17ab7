import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Most bytes of text sent by OSC 52: what fits 100 kB of base64, the limit k9s uses (handbook terminal 8.5). */
export const OSC52_CAP_BYTES = 74_994
const TMUX_TIMEOUT_MS = 2000

/** Where a copied text went. */
export interface CopyResult {
  readonly via: 'osc52' | 'tmux' | 'tmux-passthrough' | 'file'
  readonly bytes: number
  /** The file, when `via` is `file`. */
  readonly path: string | null
  /** One sentence for the person: which way, how much, and why a file if it is one. */
  readonly message: string
}

/** `auto` tries what there is; the others try one way, and write a file where that is not to be had. */
export type CopyWay = 'auto' | 'osc52' | 'tmux' | 'file'

export interface CopyOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Sends bytes to the terminal beside the frames. */
  readonly send: (bytes: string) => void
  /** Default `auto`. */
  readonly way?: CopyWay
  /** Where a file goes when no clipboard takes the text; a fresh private folder under the temp folder if absent. */
  readonly folder?: string
}

/** The OSC 52 sequence that puts a text on the clipboard. */
export const osc52 = (text: string): string => `\u001b]52;c;${Buffer.from(text, 'utf8').toString('base64')}\u0007`

/** Wraps a sequence so that tmux hands it to the terminal outside; needs `allow-passthrough`. */
export const throughTmux = (sequence: string): string =>
  `\u001bPtmux;${sequence.replaceAll('\u001b', '\u001b\u001b')}\u001b\\`

/**
 * Copies by the best way there is: tmux's own buffer inside tmux, OSC 52 elsewhere, a file when the text is too long or
 * the terminal is a console. Terminals do not acknowledge OSC 52, so the message says "sent".
 */
export async function copyText(text: string, options: CopyOptions): Promise<CopyResult> {
  const bytes = Buffer.byteLength(text)
  const { env, way = 'auto' } = options
  const isInTmux = (env.TMUX ?? '') !== ''
  if (isInTmux && way !== 'file') {
    if (way !== 'osc52' && (await loadTmuxBuffer(text, env))) {
      return { via: 'tmux', bytes, path: null, message: `Copied ${bytes} bytes to the tmux buffer and its clipboard.` }
    }
    if (way !== 'tmux' && bytes <= OSC52_CAP_BYTES) {
      options.send(throughTmux(osc52(text)))
      return { via: 'tmux-passthrough', bytes, path: null, message: `Sent ${bytes} bytes through tmux by OSC 52.` }
    }
  }
  const term = env.TERM ?? ''
  const mayBeSent = way === 'auto' || way === 'osc52'
  if (mayBeSent && bytes <= OSC52_CAP_BYTES && term !== 'linux' && term !== 'dumb' && (env.STY ?? '') === '') {
    options.send(osc52(text))
    return { via: 'osc52', bytes, path: null, message: `Sent ${bytes} bytes to the clipboard by OSC 52.` }
  }
  const reason = !mayBeSent
    ? `clipboard: ${way}`
    : bytes > OSC52_CAP_BYTES
      ? `more than the ${OSC52_CAP_BYTES} a terminal takes`
      : 'no clipboard here'
  const path = await toFile(text, options.folder)
  return { via: 'file', bytes, path, message: `Wrote ${bytes} bytes to ${path} (${reason}).` }
}

/** What tmux goes by; the rest of the environment is none of its business. */
const ofTmux = ['PATH', 'HOME', 'TMUX', 'TMUX_TMPDIR', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'XDG_RUNTIME_DIR'] as const

/** `tmux load-buffer -w -` with the text on its standard input; false when tmux is missing, too old, or hangs. */
function loadTmuxBuffer(text: string, env: CopyOptions['env']): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('tmux', ['load-buffer', '-w', '-'], {
      env: Object.fromEntries(ofTmux.map((name) => [name, env[name]])),
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TMUX_TIMEOUT_MS,
    })
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
    child.stdin.on('error', () => {})
    child.stdin.end(text)
  })
}

async function toFile(text: string, folder: string | undefined): Promise<string> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'kx-copy-')))
  for (let number = 1; ; number += 1) {
    const path = join(home, `copy-${number}.txt`)
    try {
      await writeFile(path, text, { flag: 'wx', mode: 0o600 })
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
