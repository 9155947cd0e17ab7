import { randomBytes } from 'node:crypto'
import { shellQuote } from '../../text/shell.ts'
import type { RemoteCommand, RemoteCommandOptions } from '../remote/command.ts'

/**
 * An argument vector as input for `remoteCommand`, as `remoteCommandOf` makes it, but the program takes the place of the
 * shell: over ssh2 the server itself says how it ended, so nothing needs to wait for it.
 */
export function directCommandOf(argv: readonly string[], options: RemoteCommandOptions = {}): RemoteCommand {
  const program = argv[0]
  if (program === undefined || program === '') throw new TypeError('exec needs a program: the argument vector is empty')
  if (program.startsWith('-')) throw new TypeError(`No program has a name like ${program}. Give its path.`)
  const mark = `kx-${randomBytes(18).toString('hex')}`
  const settings = Object.entries(options.env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`A shell cannot set a variable named ${name}.`)
    return `export ${name}=${shellQuote(value)}`
  })
  const folder = options.cwd
  const input = [
    mark,
    'kx_t= kx_o=',
    '{ IFS= read -r kx_t </proc/$$/stat; IFS= read -r kx_o </proc/sys/kernel/random/boot_id; } 2>/dev/null',
    'set -- ${kx_t##*) }',
    // A channel that was given up before this cannot be written to any more: then nothing is begun. The word that says who
    // it is comes last, so that whoever has heard it knows that this point is passed.
    `printf '\\n${mark} begin\\n' >&2 && printf '\\n${mark} begin %s %s %s %s\\n' "$$" "\${3:--}" "\${20:--}" "\${kx_o:--}" || exit 125`,
    'unset kx_m kx_n kx_s kx_l kx_t kx_o',
    `set -- ${argv.map(shellQuote).join(' ')}`,
    ...settings,
    ...(folder === undefined
      ? []
      : [
          `CDPATH= cd -- ${shellQuote(folder)} 2>/dev/null || { printf '%s\\n' ${shellQuote(`kx: working folder is not there: ${folder}`)} >&2; exit 127; }`,
        ]),
    'exec "$@"',
    `#${mark}`,
    '',
  ].join('\n')
  return { mark, input }
}
