import { settledScreen, startBuilt } from '../harness/built.ts'
import type { PtyApp } from '../harness/pty.ts'
import { benchProject } from './project.ts'
import { tidy } from './stats.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What the child does in `seconds` without a key: frames, bytes, CPU and wake-ups of its main thread. */
export async function watch(app: PtyApp, seconds: number) {
  app.resetCounters()
  const before = app.use()
  const startedAtMs = performance.now()
  await wait(seconds * 1000)
  const after = app.use()
  const elapsed = (performance.now() - startedAtMs) / 1000
  return {
    seconds: tidy(elapsed),
    frames: app.chunks,
    bytes: app.bytes,
    framesPerSecond: tidy(app.chunks / elapsed, 3),
    bytesPerSecond: tidy(app.bytes / elapsed),
    cpuPercent: tidy((100 * (after.cpuSeconds - before.cpuSeconds)) / elapsed, 3),
    wakeupsPerSecond: tidy((after.voluntarySwitches - before.voluntarySwitches) / elapsed, 2),
    rssMiB: tidy(after.rssBytes / 2 ** 20),
  }
}

/** Idle with no run at all (nothing on screen has an age), and with a run that is not live (ages are shown). */
export async function idle(seconds: number) {
  return { noRun: await idleAt(false, seconds), checkedRun: await idleAt(true, seconds) }
}

async function idleAt(isChecked: boolean, seconds: number) {
  const project = benchProject(isChecked)
  const app = startBuilt({ project: project.folder, state: project.state, args: ['--screen', 'plan'] })
  try {
    await settledScreen(app, 3000, 60_000)
    return await watch(app, seconds)
  } finally {
    await app.dispose()
    project.remove()
  }
}
