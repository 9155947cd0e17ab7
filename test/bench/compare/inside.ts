// node test/bench/compare/inside.ts <folder> <cache>: milliseconds from the folder to the table, of a program that is loaded and
// has compared nothing yet. What `kx compare` does behind its start.
import { findRuns } from '../../../src/commands/compare.ts'
import { arrange } from '../../../src/compare/arrange.ts'
import { DigestCache } from '../../../src/compare/digest-cache.ts'
import { compareMarkdown } from '../../../src/compare/markdown.ts'
import { loadRuns } from '../../../src/compare/run.ts'
import { tableColumns } from '../../../src/compare/table.ts'
import '../../../src/reader/scan.ts'
import '../../../src/reader/source.ts'

const [folder = '', cache = ''] = process.argv.slice(2)
const at = performance.now()
const { found } = await findRuns(folder, [folder], undefined, {}, true)
const fail = (_run: unknown, why: string) => {
  throw new Error(why)
}
const loaded = await loadRuns(found, fail, () => true, {}, undefined, new DigestCache(cache, '', true))
const arranged = arrange(loaded, {
  aggregator: 'last',
  isShown: () => true,
  ignored: [],
  heeded: [],
  baseline: null,
  top: null,
  by: null,
  grouping: 'auto',
})
if ('why' in arranged) throw new Error(arranged.why)
const text = compareMarkdown(arranged.model, tableColumns(arranged.model, 'auto'))
if (!text.replaceAll(',', '').includes(`${found.length} runs compared`))
  throw new Error('the table is not of these runs')
process.stdout.write(`${performance.now() - at}\n`)
