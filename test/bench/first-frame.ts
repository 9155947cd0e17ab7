import { node } from '../harness/apps.ts'
import { builtCommand, builtEntry, builtEnv } from '../harness/built.ts'
import { startPty } from '../harness/pty.ts'
import { buildHello } from './hello.ts'
import { benchProject } from './project.ts'
import { median, spread, tidy } from './stats.ts'

interface Start {
  readonly wallMs: number
  readonly cpuMs: number
}

/** From spawn to the first chunk that draws `sign`: mode switches and queries are no frame. */
async function start(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  sign: string,
): Promise<Start> {
  const app = startPty({ command, args, cwd, env, columns: 120, rows: 40 })
  try {
    return await new Promise<Start>((resolve, reject) => {
      let seen = ''
      const timer = setTimeout(
        () => reject(new Error(`no first frame within 30 s; got ${JSON.stringify(seen)}`)),
        30_000,
      )
      app.onOutput((chunk, atMs) => {
        seen += chunk
        if (!seen.includes(sign)) return
        clearTimeout(timer)
        try {
          resolve({ wallMs: atMs - app.startedAtMs, cpuMs: app.use().cpuSeconds * 1000 })
        } catch (error) {
          reject(new Error(`gone with its first frame: ${JSON.stringify(seen)}`, { cause: error }))
        }
      })
      void app.exited.then((exit) => reject(new Error(`ended with ${JSON.stringify(exit)}: ${seen}`)))
    })
  } finally {
    // A killed process writes no compile cache: end it as a person would have it end.
    if (app.exit === null) app.signal('SIGTERM')
    await app.exited
    await app.dispose()
  }
}

/** Start to first frame, kx and a bundled Ink hello in turns, so that both meet the same load. */
export async function firstFrame(count: number) {
  const hello = await buildHello()
  const project = benchProject(true)
  const env = builtEnv(project.state)
  const kxArgs = [builtEntry(), '--project', project.folder, '--screen', 'plan']
  const kx: Start[] = []
  const floor: Start[] = []
  try {
    // The first two fill the compile cache.
    for (let i = -2; i < count; i += 1) {
      const a = await start(node, [hello.entry], project.folder, env, 'hello from ink')
      const b = await start(builtCommand, kxArgs, project.folder, env, 'Teardown')
      if (i < 0) continue
      floor.push(a)
      kx.push(b)
    }
  } finally {
    hello.remove()
    project.remove()
  }
  const helloMs = median(floor.map((s) => s.wallMs))
  const kxMs = median(kx.map((s) => s.wallMs))
  return {
    kxMs: spread(kx.map((s) => s.wallMs)),
    helloMs: spread(floor.map((s) => s.wallMs)),
    kxCpuMs: median(kx.map((s) => s.cpuMs)),
    helloCpuMs: median(floor.map((s) => s.cpuMs)),
    ratio: tidy(kxMs / helloMs, 2),
    barMs: tidy(Math.max(250, 1.2 * helloMs)),
  }
}
