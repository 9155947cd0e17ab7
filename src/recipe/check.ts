import { holdsCredential } from '../text/patterns.ts'
import type { RecipeDescription } from './describe.ts'

/** Something in a recipe that will hurt whoever runs it at night. */
export interface CheckFinding {
  readonly rule: 'mutable-script' | 'unquoted-data' | 'secret' | 'timeout' | 'undo' | 'plan' | 'probe' | 'broken'
  readonly severity: 'error' | 'warn'
  /** From 1; null: of the recipe as a whole. */
  readonly line: number | null
  readonly text: string
}

const longestTimeoutSeconds = 24 * 3600

/**
 * Looks for what makes a recipe dangerous: scripts that are overwritten where they may be running, data that reaches a shell
 * unquoted, secrets in the text, and cells that do not say how long, what, or how to get back.
 */
export function checkRecipe(source: string, description: RecipeDescription | null): readonly CheckFinding[] {
  const lines = source.split('\n')
  const findings: CheckFinding[] = []
  const add = (rule: CheckFinding['rule'], severity: CheckFinding['severity'], line: number | null, text: string) =>
    findings.push({ rule, severity, line, text })
  for (const [at, line] of lines.entries()) {
    const number = at + 1
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue
    if (holdsCredential(line))
      add(
        'secret',
        'error',
        number,
        'a secret stands in the text: take it from a variable of the environment or a file of mode 0600',
      )
    if (/\braw\s*:|\bObject\.assign\(\s*\[/.test(line) && !/\bString\.raw\b/.test(line))
      add(
        'unquoted-data',
        'error',
        number,
        'a raw string goes to the shell as it is: give the data as ${…} of a template, which quotes it',
      )
    if (/\$(?:\([^`]*\))?`[^`]*\b(?:ba|z|da)?sh\s+-c\s+\$\{/.test(line) || /\beval\s+\$\{/.test(line))
      add(
        'unquoted-data',
        'error',
        number,
        'data becomes a program here (sh -c, eval): write the script out, and give data as arguments after it',
      )
    if (/\$(?:\([^`]*\))?`[^`]*["']\$\{[^}]*\}["']/.test(line))
      add('unquoted-data', 'error', number, 'quotes around ${…} end the quoting that is there already: leave them out')
    if (/\.script\(\s*`[^`]*\$\{/.test(line))
      add(
        'unquoted-data',
        'error',
        number,
        'a script is put together from data: keep it constant, and give data as arguments',
      )
    const written = /(?:\.write\(|>\s*|\btee\s+|\bcp\s+\S+\s+)[^\n]*?([\w./${}-]+\.(?:sh|py|bash))\b/.exec(line)?.[1]
    if (written !== undefined && !/\$\{|[.-]v?\d/.test(written))
      add(
        'mutable-script',
        'error',
        number,
        `${written} may be running while it is overwritten, and a shell reads on in the new text: put a version into its name`,
      )
  }
  for (const cell of description?.cells ?? []) {
    const line = lineOf(lines, cell.name)
    if (cell.timeoutSeconds > longestTimeoutSeconds)
      add(
        'timeout',
        'warn',
        line,
        `cell ${cell.name}: a time of more than a day is none; start the work detached and wait for it`,
      )
    if (description?.isPlain === true) continue
    if (cell.risk === 'change' && !cell.parts.includes('undo'))
      add(
        'undo',
        'warn',
        line,
        `cell ${cell.name} changes something and has no undo: write one, or say in the runbook how to get back`,
      )
    if (cell.risk !== 'read' && !cell.parts.includes('plan'))
      add('plan', 'warn', line, `cell ${cell.name} has no plan: a dry run can only say that it does not know`)
    if (cell.risk !== 'read' && !cell.parts.includes('probe'))
      add('probe', 'warn', line, `cell ${cell.name} has no probe: after a crash a person has to say whether it is done`)
  }
  if (description?.isPlain === true)
    add(
      'timeout',
      'warn',
      null,
      'a plain script declares neither time nor way back: its blocks are ended after an hour',
    )
  return findings
}

function lineOf(lines: readonly string[], name: string): number | null {
  const at = lines.findIndex((line) => new RegExp(`\\bname:\\s*['"\`]${name}['"\`]`).test(line))
  return at < 0 ? null : at + 1
}
