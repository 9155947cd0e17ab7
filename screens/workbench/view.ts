import type { ScreenId } from '../../src/commands/types.ts'
import type { ActResult } from '../../src/run/act.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import { asciiGlyphs, unicodeGlyphs } from '../../src/ui/glyphs.ts'
import type { ScreenInput } from './input.ts'
import { screenLines } from './plain.ts'
import { screenModel } from './screens.ts'

/** One screen as lines: the same model that the workbench draws, for a pipe or a screen reader. */
export async function viewScreen(
  workspace: Workspace,
  screen: ScreenId,
  width: number,
  isAscii: boolean,
): Promise<ActResult> {
  const selected = () => null
  await workspace.load(screen, selected)
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
    screen,
    isUnicode: !isAscii,
  }
  const model = screenModel(input)
  const lines = screenLines(model, input, width, isAscii ? asciiGlyphs : unicodeGlyphs)
  return { summary: '', exitCode: 0, data: { screen, title: model.title, lines }, lines }
}
