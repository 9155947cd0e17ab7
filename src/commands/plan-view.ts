import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlanView } from '../session/view.ts'
import { loadProject } from './act.ts'
import { loadSettings } from './open.ts'
import { Refused } from './refused.ts'
import type { Settings } from './types.ts'

/** The plan of a project for the screen: there, missing, or bad with file and line. */
export async function readPlanView(projectFolder: string, settings: Settings): Promise<PlanView> {
  const { config } = await loadSettings(projectFolder, settings)
  const file = join(projectFolder, config.planFile)
  try {
    await access(file)
  } catch {
    return { status: 'none', file: config.planFile }
  }
  try {
    return {
      status: 'ok',
      loaded: await loadProject({ projectFolder, settings, signal: AbortSignal.timeout(120_000) }),
      readAtMs: Date.now(),
    }
  } catch (error) {
    const problems =
      error instanceof Refused
        ? (error.result.lines ?? [error.result.summary])
        : [error instanceof Error ? error.message : String(error)]
    return { status: 'bad', file: config.planFile, problems }
  }
}
