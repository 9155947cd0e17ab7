/** Options that every command has. They may stand anywhere before `--`. */
export interface Globals {
  readonly project: string | null
  readonly run: string | null
  readonly plan: string | null
  readonly json: boolean
  readonly plain: boolean
  readonly noColor: boolean
  readonly ascii: boolean
  readonly theme: string | null
  readonly screen: string | null
  readonly isHelp: boolean
  readonly isVersion: boolean
}

export type SplitArgv =
  | { readonly ok: true; readonly globals: Globals; readonly words: readonly string[] }
  | { readonly ok: false; readonly text: string }

const withValue = {
  '--project': 'project',
  '--run': 'run',
  '--plan': 'plan',
  '--theme': 'theme',
  '--screen': 'screen',
} as const
const flags = {
  '--json': 'json',
  '--plain': 'plain',
  '--no-color': 'noColor',
  '--ascii': 'ascii',
  '--help': 'isHelp',
  '-h': 'isHelp',
  '--version': 'isVersion',
  '-V': 'isVersion',
} as const

/** What `kx --help` says of them. */
export const globalHelp: readonly (readonly [string, string])[] = [
  ['--project <folder>', 'project folder (default: here)'],
  ['--run <id>', 'run to act on (default: the one that is open in this project)'],
  ['--plan <file>', 'plan file (default: kx.yaml, or what the settings say)'],
  ['--json', 'print the result as JSON'],
  ['--plain', 'print a screen as lines instead of opening it'],
  ['--screen <name>', 'open the workbench on this screen'],
  ['--theme <name>', 'dark, light, ansi16 or mono'],
  ['--ascii', 'no character outside ASCII'],
  ['--no-color', 'no colour; NO_COLOR does the same'],
  ['-V, --version', 'print the version'],
  ['-h, --help', 'print help'],
]

/** Takes the global options out of argv and leaves the command's own words. */
export function splitArgv(argv: readonly string[]): SplitArgv {
  const globals: Record<string, string | boolean | null> = {
    project: null,
    run: null,
    plan: null,
    theme: null,
    screen: null,
    json: false,
    plain: false,
    noColor: false,
    ascii: false,
    isHelp: false,
    isVersion: false,
  }
  const words: string[] = []
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? ''
    if (word === '--') {
      words.push(...argv.slice(i))
      break
    }
    const [name = '', inline] = word.split(/=(.*)/s)
    if (name in withValue) {
      if (inline === undefined) i += 1
      const value = inline ?? argv[i]
      if (value === undefined || value === '') return { ok: false, text: `${name} needs a value` }
      globals[withValue[name as keyof typeof withValue]] = value
    } else if (name in flags && inline === undefined) {
      // Help of a command belongs to the command: `kx audit --help`.
      if (flags[name as keyof typeof flags] === 'isHelp' && words.length > 0) words.push(word)
      else globals[flags[name as keyof typeof flags]] = true
    } else words.push(word)
  }
  return { ok: true, globals: globals as unknown as Globals, words }
}

/** Options of the command line that are settings too: the strongest layer. */
export function flagSettings(globals: Globals): Readonly<Record<string, unknown>> {
  return {
    planFile: globals.plan,
    theme: globals.theme,
    ascii: globals.ascii ? true : null,
    noColor: globals.noColor ? true : null,
  }
}
