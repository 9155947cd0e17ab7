import { join, relative } from 'node:path'
import { readManifest } from '../artifact/manifest.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { writeAtomic } from '../run/files.ts'
import { artifactsFolder } from './common.ts'
import { renderReport } from './report-markdown.ts'
import { buildReport } from './report-model.ts'
import { readFingerprint, readResults } from './results.ts'

/**
 * Writes `report.md` and `report.json` into the run's folder from the journal and the pulled artifacts. Works at any
 * time: what is not there is named in the report, and a report with gaps is still a report (exit 0).
 */
export async function writeReport(ctx: ActContext): Promise<ActResult> {
  const state = await ctx.run.refresh()
  const folder = artifactsFolder(ctx)
  const manifest = (await readManifest(folder))?.manifest ?? null
  const units = ctx.loaded.units.map((unit) => unit.id)
  const fingerprintPath =
    manifest?.files.map((f) => f.path).find((path) => path.split('/').at(-1) === 'env_fingerprint.json') ?? null
  ctx.progress({ text: 'reading results' })
  // Fingerprints and logs are foreign, and a report is made to be passed on.
  const report = ctx.run.scrub(
    buildReport({
      nowMs: ctx.clock.nowMs(),
      state,
      plan: ctx.loaded.plan,
      units,
      planPath: relative(ctx.loaded.projectFolder, ctx.loaded.file),
      results: await readResults(folder, units, ctx.signal),
      manifest,
      fingerprint: await readFingerprint(folder, fingerprintPath),
    }),
  )
  writeAtomic(join(ctx.run.folder, 'report.md'), renderReport(report), 'report-text')
  writeAtomic(join(ctx.run.folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`, 'report-data')
  const gaps = report.missing.length === 0 ? 'nothing missing' : `${report.missing.length} gaps named`
  const summary = `report.md: ${report.verdict.word}, ${gaps}`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: report }
}
