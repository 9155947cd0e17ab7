import type { ScreenId } from '../../src/commands/types.ts'

/** Acts of the terminal and the process that the workbench asks for. */
export interface TerminalActs {
  repaint(): void
  suspend(): void
  setMouse(isOn: boolean): void
  /** Rings the terminal's bell. */
  bell(): void
  /** Settles with a sentence that says by which way, and how much. */
  copy(text: string): Promise<string>
  edit(file: string): Promise<void>
  page(text: string): Promise<void>
  quit(exitCode: number): void
  /** Leaves this project for another one; without a screen it opens as it was left. */
  goToProject(projectFolder: string, runId: string | null, screen?: ScreenId): void
}
