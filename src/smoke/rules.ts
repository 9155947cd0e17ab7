import { formatBytes, formatDuration, plural } from '../text/format.ts'
import type { CheckedItem } from '../walk/item.ts'
import { fail, judged, notApplicable, pass, unknown, type Verdict } from '../walk/verdict.ts'
import { notFiniteIn, numberIn } from './readings.ts'
import { checkpointRows } from './rules-checkpoint.ts'
import { measureRows } from './rules-measure.ts'
import type { SmokeFacts } from './types.ts'
import { exitText, isFine, type Row } from './verdict.ts'

const importTrouble =
  /\b(ImportError|ModuleNotFoundError|ERR_MODULE_NOT_FOUND|Cannot find module|SyntaxError|cannot open shared object)\b/
const shapeTrouble = /shape mismatch|size mismatch|shapes? .{0,40} (?:cannot|not aligned|incompatible)|mat1 and mat2/i
const traceback = /^Traceback \(most recent call last\)|^Traceback\b/m

const everyUnit = (facts: SmokeFacts) =>
  facts.resume.resumed === null ? facts.units : [...facts.units, facts.resume.resumed]

function firstLineWith(output: string, pattern: RegExp): string | null {
  return output.split('\n').find((line) => pattern.test(line)) ?? null
}

function inOutput(facts: SmokeFacts, pattern: RegExp, clean: string): Verdict {
  for (const { run } of facts.units) {
    const line = firstLineWith(run.output, pattern)
    if (line !== null) return fail(`${run.unit}: ${line}`)
  }
  const bad = facts.units.find((unit) => !isFine(unit))
  return bad === undefined ? pass(clean) : unknown(`${bad.run.unit} ended early (${exitText(bad.run)})`)
}

function batches(facts: SmokeFacts): Verdict {
  for (const { run } of facts.units) {
    if (run.timedOut) return fail(`${run.unit} was not done within ${formatDuration(facts.plan.smoke.timeoutSeconds)}`)
    if (run.ending.kind !== 'exited' || run.ending.code !== 0) {
      return fail(`${run.unit}: ${exitText(run)}`, { detail: run.output.split('\n').slice(-20) })
    }
    if (traceback.test(run.output))
      return fail(`${run.unit} left with 0 and its output holds a traceback`, {
        detail: run.output.split('\n').slice(-20),
      })
  }
  return pass(`${plural(facts.units.length, 'unit')} left with 0, no traceback`)
}

function endToEnd(facts: SmokeFacts): Verdict {
  const { plan } = facts
  const missing = facts.units.flatMap(({ run, files }) => [
    ...(files.lines.length > 0
      ? []
      : [
          `${run.unit}: ${plan.logPattern === undefined ? 'no metrics.jsonl' : 'no line of the log fits the log pattern'}`,
        ]),
    ...(plan.logPattern === undefined && files.resultState !== 'there'
      ? [`${run.unit}: result.json is ${files.resultState}`]
      : []),
  ])
  if (missing.length > 0) return fail(missing.join('; '))
  const bad = facts.units.find((unit) => !isFine(unit))
  if (bad !== undefined) return fail(`${bad.run.unit}: ${exitText(bad.run)}`)
  return pass(
    plan.logPattern === undefined
      ? 'metrics, result and exit code 0 of every unit'
      : 'exit code 0 of every unit; metrics and result are read from the log',
  )
}

function noNan(facts: SmokeFacts): Verdict {
  for (const { run, files } of everyUnit(facts)) {
    const at = files.lines.find((line) => notFiniteIn(line).length > 0)
    if (at !== undefined)
      return fail(`${run.unit}: ${notFiniteIn(at).join(', ')} not finite at step ${numberIn(at, 'step') ?? 'unknown'}`)
    if (files.result !== null && notFiniteIn(files.result).length > 0)
      return fail(`${run.unit}: ${notFiniteIn(files.result).join(', ')} not finite in result.json`)
    const counted = numberIn(files.result, 'nan_count') ?? 0
    if (counted > 0) return fail(`${run.unit}: the unit itself counted ${plural(counted, 'step')} with NaN`)
  }
  const lines = facts.units.reduce((sum, { files }) => sum + files.lines.length, 0)
  return lines === 0
    ? unknown('no metrics were written')
    : pass(`${plural(lines, 'line')} of metrics, all finite`, { value: { lines } })
}

function shapes(facts: SmokeFacts): Verdict {
  const trouble = inOutput(facts, shapeTrouble, 'ok')
  if (trouble.result !== 'pass') return trouble
  const primary = facts.plan.metrics.find((m) => m.primary) ?? facts.plan.metrics[0]
  if (primary === undefined) return notApplicable('the plan names no metric')
  const where = facts.plan.logPattern === undefined ? 'result.json' : 'the log'
  for (const { run, files } of facts.units)
    if (numberIn(files.result, primary.name) === null)
      return fail(`${run.unit}: ${primary.name} is not a number in ${where}`)
  const keys = new Set(
    facts.units.map(({ files }) =>
      Object.keys(files.result ?? {})
        .sort()
        .join(','),
    ),
  )
  return keys.size === 1
    ? pass(`every result.json has ${primary.name} and the same fields`)
    : fail('the units write results of different fields')
}

function serialization(facts: SmokeFacts): Verdict {
  const bad = everyUnit(facts).flatMap(({ run, files }) => [
    ...files.brokenJson.map((name) => `${run.unit}/${name}`),
    ...(files.badLines > 0 ? [`${run.unit}/metrics.jsonl: ${plural(files.badLines, 'line')}`] : []),
  ])
  if (bad.length > 0) return fail(`does not parse: ${bad.join('; ')}`)
  const count = facts.units.reduce((sum, { files }) => sum + files.jsonFiles + files.lines.length, 0)
  return count === 0
    ? unknown('nothing was written that could be parsed')
    : pass(`${count} JSON files and lines parsed`)
}

function aboveChance(facts: SmokeFacts): Verdict {
  const metric = facts.plan.metrics.find((m) => m.primary && m.chance !== undefined)
  if (metric?.chance === undefined) return notApplicable('the primary metric has no chance level in the plan')
  const values = facts.units.flatMap(({ files }) => numberIn(files.result, metric.name) ?? [])
  if (values.length === 0) return unknown(`no unit reported ${metric.name}`)
  const { chance, direction } = metric
  const bad = values.filter((v) => (direction === 'higher' ? v <= chance : v >= chance))
  const shown = values.map((v) => v.toPrecision(4)).join(', ')
  const text = `${metric.name} ${shown} against ${chance} by chance`
  return bad.length === 0 ? pass(text, { value: { values, chance } }) : fail(text)
}

function isolation({ strayFiles, units }: SmokeFacts): Verdict {
  if (strayFiles === null) return unknown('the folder could not be listed')
  if (strayFiles.length > 0)
    return fail(`written outside the unit's folder: ${strayFiles.slice(0, 5).join(', ')}`, { detail: strayFiles })
  return pass(`${plural(units.length, 'unit')}: nothing written outside KX_UNIT_DIR`)
}

function fastFinish(facts: SmokeFacts): Verdict {
  for (const { run, files } of facts.units) {
    if (!isFine({ run, files })) continue
    if (facts.plan.logPattern === undefined && files.lines.length < 2)
      return fail(`${run.unit} was done after ${plural(files.lines.length, 'step')} in ${formatDuration(run.seconds)}`)
  }
  const first = facts.units[0]
  return first === undefined
    ? unknown('no unit ran')
    : pass(`${first.run.unit}: ${plural(first.files.lines.length, 'step')} in ${formatDuration(first.run.seconds)}`)
}

const smokeRows: readonly Row[] = [
  [
    'smoke.local-first',
    'Tried here before anything is rented',
    'error',
    'Run the smoke on this machine first.',
    ({ localFirst }) =>
      localFirst.kind === 'here'
        ? pass('this is the local machine')
        : localFirst.kind === 'passed'
          ? pass(`tried on this machine first (${localFirst.machineClass})`, { value: { ...localFirst } })
          : unknown(`this machine cannot try it: ${localFirst.why}`),
  ],
  ['smoke.batches', 'One or two units run without an error', 'error', 'Read the log and mend the script.', batches],
  [
    'smoke.end-to-end',
    'Loading, training, prediction and metrics in one go',
    'error',
    'Let the script write metrics.jsonl and result.json (docs/unit-contract.md).',
    endToEnd,
  ],
  [
    'smoke.subset',
    'A slice of the work, not all of it',
    'info',
    'Lower smoke.units.',
    ({ units, payload }) =>
      pass(
        `${plural(units.length, 'unit')}${payload.stepsPerUnit === null ? '' : ` of ${payload.stepsPerUnit} steps`}`,
      ),
  ],
  [
    'smoke.config-loads',
    'The configuration loads',
    'error',
    'Mend the configuration file that the log names.',
    (facts) =>
      facts.plan.configFiles.length === 0
        ? notApplicable('the plan names no configuration file')
        : inOutput(facts, /\b(JSONDecodeError|YAMLError|YAMLParseError|KeyError)\b/, facts.plan.configFiles.join(', ')),
  ],
  [
    'smoke.data-present',
    'The data is there',
    'error',
    'Fetch the data that the plan names.',
    ({ plan }) => {
      if (plan.data.length === 0) return notApplicable('the plan names no data')
      const remote = plan.data.filter((d) => d.uri !== undefined)
      return remote.length > 0
        ? { ...unknown(`${plural(remote.length, 'data set')} by uri: the audit looks at them`), severity: 'warn' }
        : pass(`${plural(plan.data.length, 'file')} pushed${plan.data.every((d) => d.sha256) ? ', SHA-256 equal' : ''}`)
    },
  ],
  [
    'smoke.one-batch',
    'The loader yields a batch and the model takes it',
    'error',
    'Run one step by hand and read the error.',
    ({ units }) =>
      units.every(({ files }) => files.lines.length > 0)
        ? pass('every unit did at least one step')
        : fail('a unit did no step'),
  ],
  [
    'smoke.no-nan',
    'No NaN and no infinity in loss, outputs, metrics',
    'error',
    'Lower the learning rate, look for divisions by zero.',
    noNan,
  ],
  ['smoke.shapes', 'Results have their metrics and one shape', 'error', 'Mend the shape that the log names.', shapes],
  [
    'smoke.imports',
    'Nothing fails to import',
    'error',
    'Install what the log names.',
    (facts) => inOutput(facts, importTrouble, 'no import error in the output'),
  ],
  [
    'smoke.serialization',
    'Everything that was written parses again',
    'error',
    'Convert numbers before they are written; write NaN as text.',
    serialization,
  ],
  [
    'smoke.above-chance',
    'The first units beat chance',
    'error',
    'Look at labels and data before anything is scaled up.',
    aboveChance,
  ],
  ['smoke.unit-isolation', 'Units share no file', 'error', 'Let the script write below KX_UNIT_DIR only.', isolation],
  [
    'smoke.fast-finish',
    'Nothing finished suspiciously fast',
    'warn',
    'Look whether the script skipped the work.',
    fastFinish,
  ],
  ...checkpointRows,
  ...measureRows,
  [
    'smoke.digest-bound',
    'The proof is bound to code, configuration and data',
    'error',
    'Check the plan, then run the smoke again.',
    ({ digests, payload }) =>
      digests.code === undefined || digests.config === undefined || digests.data === undefined
        ? unknown('a digest of the project is not known')
        : pass(
            `code ${digests.code.slice(0, 12)}, config ${digests.config.slice(0, 12)}, data ${digests.data.slice(0, 12)}`,
            {
              value: {
                ...digests,
                unit: payload.unitSha256,
              },
            },
          ),
  ],
]

/** Every item of the smoke gate that has meaning here (handbook lifecycle 6.3), judged. Pure. */
export function smokeItems(facts: SmokeFacts): readonly CheckedItem[] {
  const at = { atMs: facts.nowMs, host: facts.host }
  return smokeRows.map(([id, title, severity, fix, rule]) =>
    judged({ id, title, gate: 'smoke', severity, how: 'auto', fix }, rule(facts), at),
  )
}

/** Sizes in words for the summary of the act. */
export function measuredText(facts: SmokeFacts): string {
  const { payload } = facts
  return `${plural(payload.unitSeconds.length, 'unit sample')}, ${plural(payload.stepSeconds.length, 'step sample')}, peak memory ${formatBytes(payload.peakRssBytes)}`
}
