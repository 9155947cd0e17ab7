import { randomBytes } from 'node:crypto'
import { shellQuote } from '../../text/shell.ts'
import type { ExecOptions } from '../types.ts'

/**
 * The one command that is ever asked for over a link: it reads what to run from standard input, line by line up to a
 * mark, so nothing of ours goes through the login shell (bash, zsh, fish, csh, whatever it is) or stands in a process
 * table. It has neither `'`, `!` nor a line end in it, which every one of those shells reads alike. A link that breaks
 * before the mark runs nothing. `read` takes its bytes one by one, so what follows the mark is left for the command.
 */
export const remoteCommand = `exec sh -c '${[
  'IFS= read -r kx_m || exit 125',
  'kx_n=$(printf "\\nx")',
  'kx_n=${kx_n%x}',
  'kx_s=',
  'while IFS= read -r kx_l; do if [ "$kx_l" = "#$kx_m" ]; then eval "$kx_s"; exit 125; fi; kx_s=$kx_s$kx_l$kx_n; done',
  'exit 125',
].join('; ')}'`

// A shell of its own says on its stderr when what it ran was ended by a signal (bash does so only outside of its POSIX
// mode, and not in `$()`), which is how 137 by exit and 137 by KILL are told apart. It outlives TERM to its group, to
// tell the end of what it ran; the program itself starts with TERM as it was.
const inner = '[ -z "${BASH_VERSION-}" ] || set +o posix; trap : TERM; (exec "$@") 1>&3 2>&4 3>&- 4>&-; exit $?'

export type RemoteCommandOptions = Pick<ExecOptions, 'cwd' | 'env'>

export interface RemoteCommand {
  /** Random, one for every command: its begin and end stand in the output behind this word. */
  readonly mark: string
  /** What goes to standard input of `remoteCommand`, before the bytes for the program itself. */
  readonly input: string
}

/**
 * An argument vector as input for `remoteCommand`. Both streams begin with a line `<mark> begin …` and end with
 * `<mark> end …` (see `MarkedStream`): what comes before and after is noise of rc files and of ssh itself.
 */
export function remoteCommandOf(argv: readonly string[], options: RemoteCommandOptions = {}): RemoteCommand {
  const program = argv[0]
  if (program === undefined || program === '') throw new TypeError('exec needs a program: the argument vector is empty')
  if (program.startsWith('-')) throw new TypeError(`No program has a name like ${program}. Give its path.`)
  const mark = `kx-${randomBytes(18).toString('hex')}`
  const settings = Object.entries(options.env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`A shell cannot set a variable named ${name}.`)
    return `export ${name}=${shellQuote(value)}`
  })
  const end = (code: string, how: string) =>
    `printf '\\n${mark} end %s %s\\n' "${code}" ${how}; printf '\\n${mark} end %s %s\\n' "${code}" ${how} >&2; exit 0`
  const folder = options.cwd
  const input = [
    mark,
    'kx_t= kx_o=',
    '{ IFS= read -r kx_t </proc/$$/stat; IFS= read -r kx_o </proc/sys/kernel/random/boot_id; } 2>/dev/null',
    'set -- ${kx_t##*) }',
    `printf '\\n${mark} begin %s %s %s %s\\n' "$$" "\${3:--}" "\${20:--}" "\${kx_o:--}"; printf '\\n${mark} begin\\n' >&2`,
    'kx_sh=$(command -v sh)',
    'unset kx_m kx_n kx_s kx_l kx_t kx_o',
    `set -- ${argv.map(shellQuote).join(' ')}`,
    ...settings,
    ...(folder === undefined
      ? []
      : [
          `CDPATH= cd -- ${shellQuote(folder)} 2>/dev/null || { printf '%s\\n' ${shellQuote(`kx: working folder is not there: ${folder}`)} >&2; ${end('127', 'code')}; }`,
        ]),
    'trap : TERM',
    'exec 3>&1 4>&2',
    `kx_e=$(exec "$kx_sh" -c '${inner}' kx "$@" 2>&1)`,
    'kx_c=$?',
    `if [ -n "$kx_e" ] && [ "$kx_c" -gt 128 ]; then kx_h=signal; else kx_h=code; fi`,
    end('$kx_c', '"$kx_h"'),
    `#${mark}`,
    '',
  ].join('\n')
  return { mark, input }
}
