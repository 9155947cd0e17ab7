import type { SecretRegistry } from '../secret/registry.ts'
import type { Plan } from '../spec/schema.ts'
import { credentialsIn } from '../text/patterns.ts'
import { dottedKey, type SourceProblem } from '../text/problem.ts'
import type { SourcePosition } from '../text/yaml.ts'

interface PlanSource {
  readonly file: string
  readonly text: string
  readonly plan: Plan
  readonly locate: (path: readonly PropertyKey[]) => SourcePosition
}

type Known = Pick<SecretRegistry, 'namesIn'>

/**
 * Where a plan file holds a secret: a value that kx knows in any of its encodings, or a credential by its form. A run keeps
 * the plan byte for byte and sends it to its hosts, so such a plan begins none. Values, keys and comments alike; what is
 * said names the secret and never repeats it.
 */
export function planSecretProblems({ file, text, plan, locate }: PlanSource, known: Known): SourceProblem[] {
  const problems: SourceProblem[] = []
  const seen = new Set<string>()
  const report = (at: SourcePosition, key: string, what: Found) => {
    const mark = `${at.line} ${what.mark}`
    if (seen.has(mark)) return
    seen.add(mark)
    problems.push({ file, line: at.line, column: at.column, key, message: what.message, hint: what.hint })
  }
  // As YAML reads it: escapes and folded lines are undone there.
  for (const { path, value } of stringsOf(plan, [])) {
    const found = [...secretsIn(value, known, path)]
    if (found.length === 0) continue
    const key = dottedKey(path)
    const isPlain = known.namesIn(key).length === 0 && credentialsIn(key).length === 0
    for (const each of found) report(locate(path), isPlain ? key : '', each)
  }
  // As it lies there: comments are copied too. What no key explains is told by its line.
  if (known.namesIn(text).length > 0 || credentialsIn(text).length > 0)
    for (const [i, line] of text.split(/\r\n|\r|\n/).entries())
      for (const each of secretsIn(line, known, [])) report({ line: i + 1, column: 1 }, '', each)
  return problems.sort((a, b) => a.line - b.line || a.column - b.column)
}

interface Found {
  readonly mark: string
  readonly message: string
  readonly hint: string
}

function* secretsIn(text: string, known: Known, path: readonly (string | number)[]): Generator<Found> {
  const names = known.namesIn(text)
  for (const name of names) {
    const isVariable = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    yield {
      mark: name,
      message: `holds the value of the secret ${name}, which a plan must not`,
      hint: isVariable
        ? `Take the value out, and write ${name} under secrets:`
        : 'Take the value out, and write the name of a variable that has it under secrets:',
    }
  }
  if (names.length > 0) return
  for (const kind of new Set(credentialsIn(text).map((each) => each.kind))) {
    const name =
      path[0] === 'environmentVariables' && typeof path[1] === 'string' ? path[1] : 'the name of its variable'
    yield {
      mark: 'form',
      message: `holds what looks like a credential (${kind}), which a plan must not`,
      hint: `Take the value out, set it in the environment, and write ${name} under secrets:`,
    }
  }
}

function* stringsOf(
  value: unknown,
  path: readonly (string | number)[],
): Generator<{ readonly path: readonly (string | number)[]; readonly value: string }> {
  if (typeof value === 'string') yield { path, value }
  else if (Array.isArray(value)) for (const [i, part] of value.entries()) yield* stringsOf(part, [...path, i])
  else if (typeof value === 'object' && value !== null)
    for (const [key, part] of Object.entries(value)) {
      yield { path: [...path, key], value: key }
      yield* stringsOf(part, [...path, key])
    }
}
