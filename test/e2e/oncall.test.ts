import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { CellEnded, CellStarted } from '../../src/run/types.ts'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { needsNetBoxes } from '../harness/netbox.ts'
import { needsSshd } from '../harness/sshd.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { waitUntil } from '../harness/wait.ts'
import { type OncallPlace, oncallPlace } from './oncall-place.ts'
import { ACT_MS, clearPlaces, payloads, readJournal, runFolderOf } from './support.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop()
  clearPlaces()
})

/** What stands on the screen, frames and line breaks taken away: text may be wrapped anywhere. */
const flat = (rows: readonly string[]) => rows.join(' ').replace(/[┃│\s]+/g, ' ')

/** The last one of a cell of the recipe on record: its state, its exit and whether it took any time on the host. */
function cellsOf({ place }: OncallPlace) {
  const records = readJournal(runFolderOf(place))
  const ended = new Map(payloads<CellEnded>(records, 'cell.ended').map((each) => [each.cellId, each]))
  return payloads<CellStarted>(records, 'cell.started')
    .filter(({ name }) => name.startsWith('recipe.rescue-disk.'))
    .map(({ cellId, name, host }) => [name.split('.').at(-1), host?.host, ended.get(cellId)?.state ?? null] as const)
}

describe.skipIf(needsSshd().skip || needsNetBoxes().skip || (await needsTmux()).skip)('an engineer on call', () => {
  it('goes from an alert to its recipe, over a link that breaks in the middle of it, to a report', async () => {
    const on = await oncallPlace()
    open.push(() => on.stop())
    const { best, newest, old } = on.fillDisk()
    const app = await Tmux.start({
      command: [node, builtEntry(), '--project', on.place.project, '--screen', 'patrol'],
      cwd: on.place.project,
      env: on.place.env,
    })
    open.push(() => app.kill())
    const see = async (pattern: RegExp) =>
      flat(await app.waitFor((rows) => pattern.test(flat(rows)), { timeoutMs: ACT_MS, what: String(pattern) }))
    /** Keys that lead from what was seen to what is to be seen next. */
    const press = async (keys: readonly string[], pattern: RegExp) => {
      await app.keys(...keys)
      return see(pattern)
    }

    // The alert stands in the first lines, whichever pane is shown; one key goes to what is for it.
    await see(/running, .*– 2 errors, 0 of 2 done/)
    const offered = await press(
      ['F'],
      /free-disk is for disk-bytes\/keep \(or rescue-disk\).*d tries it dry, r runs it/,
    )
    expect(offered).toContain('Recipes')
    await see(/▸ free-disk .* rescue-disk/)
    await press(['j'], /▸ rescue-disk/)
    const runbook = await press(['Tab'], /When Units failed because the disk was full/)
    expect(runbook).toMatch(/For disk-bytes\/keep: keep is 9\d(\.\d)? % full Filled folder \S+\/home\/proj/)
    expect(runbook).toMatch(/Touches .*Back What was removed is gone/)

    // Dry: what would change is shown, and nothing is.
    await press(['d'], /Dry run: Rescue a run .*▸ folder \S+\/home\/proj/)
    await press(Array(7).fill('Tab'), /▸ needGib 5/)
    await app.keys('C-u')
    await app.type('0.03')
    await press(['Tab', 'Tab', 'Tab'], /needGib 0\.03 .*▸ hosts/)
    const dry = await press(['Enter'], /dry run: 1 would change, 2 would not, 1 unknown; nothing was done/)
    expect(dry).toMatch(/WOULD CHANGE box1: Remove .*4 files of \d+ under \S+\/home\/proj would be removed/)
    expect(old.filter((file) => !existsSync(file))).toEqual([])
    await press(['Escape'], /r run d dry run/)

    // For real: the form holds what was changed; a change is asked about, and what destroys wants the name typed.
    await press(['r'], /Run: Rescue a run .*needGib 0\.03/)
    on.remover.hold()
    await press(['Up', 'Enter'], /go on\? .*UNKNOWN box1: Launch the same run again .*only with enough room/)
    await press(['y', 'Enter'], /4 files of \d+ under .*Type box1 to go on/)
    await app.type('box1')
    await press(['Enter'], /Run: Rescue a run .*: box1: Remove/)
    await waitUntil(() => existsSync(on.remover.held), { timeoutMs: ACT_MS, what: 'the first file to be removed' })

    // The link goes while files are being removed there: what is not known is called so, and nothing goes on by itself.
    await on.cut()
    const cut = await see(/1 of 4 cells done, 1 unknown, 2 not begun; go on with: R/)
    expect(cut).toMatch(/link down/)
    expect(cut).toMatch(
      /done box1: look: .*unknown box1: prune: The outcome is unknown: The link to .* Look at the host/,
    )
    expect(cut).toMatch(/not-begun box1: room: not begun: nobody saw the end of prune/)
    await press(['Escape'], /r run d dry run R resume/)

    // Gone on with before the link is back: it waits, and a key tries the link at once.
    await press(['R'], /Go on with a recipe run/)
    await on.heal()
    await press(['L'], /link up .*go on\? .*Launch the same run again/)
    await press(['y', 'Enter'], /Remove scratch and old .* still runs on box1 \(process \d+.*\): waiting for it/)
    on.remover.goOn()
    // Whoever removed lost the link as well and came no further than one file: the rest is shown, and asked about anew.
    await see(/3 files of \d+ under .*Type box1 to go on/)
    await app.type('box1')
    const done = await press(['Enter'], /4 of 4 cells done/)
    expect(done).toMatch(/done box1: look: done before done box1: prune: 3 files removed, .* free/)
    expect(done).toMatch(/box1: room: /)
    expect([old, [best, newest]].map((files) => files.filter((file) => existsSync(file)).length)).toEqual([0, 2])
    expect(cellsOf(on)).toEqual([
      ['look', 'box1', 'done'],
      ['prune', 'box1', 'unknown'],
      ['prune', 'box1', 'done'],
      ['room', 'box1', 'done'],
      ['requeue', 'box1', 'done'],
    ])

    // The alert is gone at the next look, and the report tells it all.
    await press(['Escape'], /r run d dry run/)
    const after = await press(['6'], /running, looked just now – 0 of 2 done, 2 running/)
    expect(after).not.toContain('error')
    await press(['g', 'n'], /Notebook .*recorded in this run/)
    await press(['w'], /cells of \S+ written to/)
    const report = readFileSync(join(runFolderOf(on.place), 'notebook.md'), 'utf8')
    expect(report).toMatch(/^- .* UTC, error: keep is 9\d(\.\d)? % full \(.*free\); disk-bytes\/keep; gone .* UTC$/m)
    expect(report).toMatch(/How much room there is\n\n\*\*done\*\*, after [\d.]+ m?s, exit 0, .* on box1/)
    expect(report).toMatch(/exact list\n\n\*\*unknown\*\*, after .*, cause: channel-lost, .* on box1, approved by/)
    expect(report).toMatch(/rescue-disk: prune \{.*"needGib":0\.03/)
    expect(report).toMatch(/exact list\n\n\*\*done\*\*, after .*, exit 0, .* on box1, approved by/)
    expect(report).toContain('removed 12.1 MiB')
  })
})
