import type { ScreenId } from '../../src/commands/types.ts'
import type { ActResult } from '../../src/run/act.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import { asciiGlyphs, unicodeGlyphs } from '../../src/ui/glyphs.ts'
import type { ScreenInput } from './input.ts'
import { screenLines } from './plain.ts'
import { screenModel } from './screens.ts'
import { comparePane } from './ui-state.ts'

/** One screen as lines: the same model that the workbench draws, for a pipe or a screen reader. */
export async function viewScreen(
  workspace: Workspace,
  screen: ScreenId,
  width: number,
  isAscii: boolean,
  compared: { readonly view?: string | undefined; readonly metric?: string | undefined } = {},
): Promise<ActResult> {
  const { view, metric } = compared
  const selected = (pane: string) => (pane === 'rows' && metric !== undefined ? `metric ${metric}` : null)
  const options = view === undefined ? [] : [`view=${view}`]
  const load = () => workspace.load(screen, selected, undefined, (pane) => (pane === comparePane ? options : []))
  await load()
  // What a row stands for is known once the rows are there.
  if (metric !== undefined) await load()
  const nowMs = Date.now()
  const input: ScreenInput = {
    nowMs,
    project: workspace.project,
    projectFolder: workspace.projectFolder,
    run: workspace.run(),
    plan: workspace.plan(),
    ...workspace.standings(nowMs, null),
    live: null,
    observation: (workspace.run()?.observation?.payload ?? null) as ScreenInput['observation'],
    shelves: workspace.shelves(),
    selected,
    options,
    screen,
    isUnicode: !isAscii,
  }
  const model = screenModel(input)
  const lines = screenLines(model, input, width, isAscii ? asciiGlyphs : unicodeGlyphs)
  return { summary: '', exitCode: 0, data: { screen, title: model.title, lines }, lines }
}
