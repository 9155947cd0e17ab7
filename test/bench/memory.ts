import { settledScreen, startBuilt } from '../harness/built.ts'
import { benchProject } from './project.ts'
import { slope, tidy } from './stats.ts'

const MiB = 2 ** 20

/**
 * RSS while keys are held: each frame asks for the next, now and then another screen and the palette. The slope is
 * taken over the second half, when caches are full; per 10,000 frames.
 */
export async function memory(frames: number, columns = 120, rows = 40) {
  const project = benchProject(true)
  const app = startBuilt({ project: project.folder, state: project.state, args: ['--screen', 'plan'], columns, rows })
  try {
    await settledScreen(app, 2000, 60_000)
    const idle = app.use()
    const samples: { x: number; y: number }[] = []
    let painted = 0
    const keys = [...'jjjjjjjjjjkkkkkkkkkk', ...'2345671', 'ctrl+p', ...'la', 'backspace', 'backspace', 'ctrl+c']
    const startedAtMs = performance.now()
    await new Promise<void>((resolve, reject) => {
      let at = 0
      const next = () => {
        app.press(keys[at % keys.length] ?? 'j')
        at += 1
      }
      // A key that draws nothing would end the chain: then the next one is pressed.
      const nudge = setInterval(() => {
        if (performance.now() - app.lastOutputAtMs > 500) next()
      }, 250)
      const finish = (act: () => void) => {
        clearInterval(nudge)
        end()
        act()
      }
      const end = app.onOutput(() => {
        painted += 1
        if (painted % Math.max(1, Math.floor(frames / 100)) === 0)
          samples.push({ x: painted, y: app.use().rssBytes / MiB })
        if (painted >= frames) finish(resolve)
        else next()
      })
      void app.exited.then((exit) => finish(() => reject(new Error(`kx ended: ${JSON.stringify(exit)}`))))
      next()
    })
    const after = app.use()
    const half = samples.slice(samples.length / 2)
    return {
      size: `${columns}x${rows}`,
      frames: painted,
      seconds: tidy((performance.now() - startedAtMs) / 1000),
      rssIdleMiB: tidy(idle.rssBytes / MiB),
      rssAfterMiB: tidy(after.rssBytes / MiB),
      rssMostMiB: tidy(Math.max(...samples.map((s) => s.y))),
      slopeMiBPer10kFrames: tidy(slope(half) * 10_000, 3),
      openFiles: { before: idle.openFiles, after: after.openFiles },
    }
  } finally {
    await app.dispose()
    project.remove()
  }
}
