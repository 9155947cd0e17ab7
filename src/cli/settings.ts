import { loadSettings } from '../commands/open.ts'
import type { Settings } from '../commands/types.ts'
import type { WorkbenchSettings } from '../session/view.ts'
import { formatProblem } from '../text/problem.ts'

/** What the workbench itself needs of the settings. */
export async function workbenchSettings(projectFolder: string, settings: Settings): Promise<WorkbenchSettings> {
  const { config, problems } = await loadSettings(projectFolder, settings)
  return {
    theme: config.theme,
    color: config.color,
    isAscii: config.ascii,
    hasMouse: config.mouse,
    keys: config.keys,
    editor: config.editor,
    pager: config.pager,
    refreshSeconds: config.refreshSeconds,
    guardMs: config.confirm.guardMs,
    hasBell: config.notify.bell,
    escTimeoutMs: config.escTimeoutMs,
    clipboard: config.clipboard,
    who: config.who,
    problems: problems.map(formatProblem),
  }
}
