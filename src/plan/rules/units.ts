import { effectiveWorkers } from '../../spec/units.ts'
import { formatBytes } from '../../text/format.ts'
import type { CheckedItem } from '../../walk/item.ts'
import { fail, pass, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

/** Units, the places they write to, and what must come out of them. */
export function unitRules(input: RuleInput): CheckedItem[] {
  return [
    item(input, 'plan.unit-split', split(input)),
    item(input, 'plan.unit-dependence', dependence(input)),
    item(input, 'plan.write-paths', writePaths(input)),
    item(input, 'plan.artifacts-declared', artifacts(input)),
  ]
}

function split({ plan, units }: RuleInput): Verdict {
  const workers = effectiveWorkers(plan)
  if (units.length === 1) return fail('one unit: nothing can be skipped at a restart, nothing runs side by side')
  return pass(`${units.length} units on ${counted(workers, 'worker')}: ${units[0]?.id} … ${units.at(-1)?.id}`, {
    value: { units: units.length, workers },
  })
}

function dependence({ plan, units }: RuleInput): Verdict {
  const { workers } = plan.resources
  if (plan.units.sequential)
    return workers > 1
      ? fail(`unit n needs unit n-1, and ${workers} workers are asked for`, { fix: 'Set resources.workers to 1.' })
      : pass('in order, one at a time')
  const named = units.length > 1 ? plan.command.find((w) => units.some((u) => mentions(w, u.id))) : undefined
  return named === undefined
    ? pass('declared independent; no command names another unit')
    : fail(`the command of every unit names one of them: ${named}`, {
        fix: 'Use {unit} for its own id, or set units.sequential.',
      })
}

/** Only ids that cannot be ordinary words: a list of units may be called `a` and `b`. */
const mentions = (word: string, id: string): boolean => id.length >= 4 && /\d/.test(id) && word.split('/').includes(id)

const outputFlag =
  /^--?(?:o|out|output|output[-_]dir|out[-_]dir|save[-_]dir|save[-_]to|results?[-_]dir|log[-_]dir)(?:=(.*))?$/

function writePaths({ plan, units }: RuleInput): Verdict {
  const shared: string[] = []
  plan.command.forEach((word, i) => {
    const match = outputFlag.exec(word)
    if (match === null || units.length === 1) return
    const path = match[1] ?? plan.command[i + 1] ?? ''
    // A relative path lies in the unit's own folder.
    if (path.startsWith('/') && !/\{[A-Za-z_]/.test(path)) shared.push(path)
  })
  if (shared.length > 0) return fail(`every unit writes to ${shared[0]}`, { detail: shared })
  return pass(`one folder a unit: units/${units[0]?.id ?? ''} and so on; no name twice, none inside another`)
}

function artifacts({ plan, units }: RuleInput): Verdict {
  const lines = plan.artifacts.map(
    (a) => `${a.glob}: at least ${counted(a.minimumCount, 'file')} of ${formatBytes(a.minimumBytes)} (${a.kind})`,
  )
  const empty = plan.artifacts.filter((a) => a.minimumCount === 0)
  if (empty.length === plan.artifacts.length)
    return fail('every artifact may be missing: nothing could be missed', { detail: lines })
  const perUnit = plan.artifacts.filter((a) => /^units\/\*\/[^*?{[]+$/.test(a.glob))
  const many = perUnit.filter((a) => a.minimumCount > units.length)
  if (many.length > 0)
    return fail(`${many[0]?.glob}: ${many[0]?.minimumCount} files are asked of ${counted(units.length, 'unit')}`, {
      detail: lines,
    })
  const few = perUnit.filter((a) => a.minimumCount < units.length)
  const note =
    few.length === 0
      ? ''
      : `; ${few[0]?.glob} asks for ${few[0]?.minimumCount} of ${units.length}, so a lost unit would not be missed`
  return pass(`${counted(plan.artifacts.length, 'artifact')} declared${note}`, { detail: lines })
}
