import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { boxPlace } from '../../e2e/box-place.ts'
import { clearPlaces, type Place } from '../../e2e/support.ts'
import { node } from '../../harness/apps.ts'
import { builtEntry } from '../../harness/built.ts'
import { startPty } from '../../harness/pty.ts'
import { type Sshd, startSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { type Spread, spread } from '../stats.ts'

export interface RecipeFigures {
  /** From `Enter` in a workbench that has the connection open to the first line of the recipe on the host. */
  readonly byWorkbenchMs: Spread
  /** From the start of `kx recipe run` to that line: start of the program, connection and all. */
  readonly headlessMs: Spread
}

/** One cell, whose first line on the host writes down when it was: the clock there is the clock here. */
const recipe = `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
export const recipe = defineRecipe({
  id: 'first', title: 'First line', runbook: { when: 'a', touches: 'b', back: 'c' },
  parameters: z.object({}),
  cells: [{ name: 'go', title: 'Go', risk: 'read', timeoutSeconds: 60,
    run: async ({ $ }) => { await $\`date +%s%N >>"$HOME/first"\` } }],
})
`

/** Starts a recipe `rounds` times each way over a real sshd on loopback, after one that is not counted. */
export async function recipeStarts(rounds: number): Promise<RecipeFigures> {
  const box = await startSshd({ hostKeyTypes: ['ecdsa'] })
  try {
    const { place } = boxPlace(box, { known: box.knownHostsFile })
    mkdirSync(join(place.project, 'recipes'))
    writeFileSync(join(place.project, 'recipes', 'first.mjs'), recipe)
    return { byWorkbenchMs: await byWorkbench(place, box, rounds), headlessMs: await headless(place, box, rounds) }
  } finally {
    clearPlaces()
    await box.stop()
  }
}

/** When the first line ran, in milliseconds since 1970; null: not yet. */
function firstLineMs(box: Sshd): number | null {
  const file = join(box.home, 'first')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return text.endsWith('\n') ? Number(BigInt(text.split('\n')[0] ?? '0') / 1000n) / 1000 : null
}

async function timed(box: Sshd, begin: () => Promise<unknown> | unknown): Promise<number> {
  rmSync(join(box.home, 'first'), { force: true })
  const begunMs = performance.timeOrigin + performance.now()
  await begin()
  const atMs = await waitUntil(() => firstLineMs(box), { what: 'the first line on the host', timeoutMs: 60_000 })
  return atMs - begunMs
}

async function headless(place: Place, box: Sshd, rounds: number): Promise<Spread> {
  const took: number[] = []
  for (let i = 0; i <= rounds; i += 1)
    took.push(
      await timed(box, async () => {
        // The program as it is installed: its first lines are a script that starts Node.
        const words = ['--project', place.project, 'recipe', 'run', 'first', '--yes']
        const child = spawn(builtEntry(), words, { cwd: place.project, env: place.env, stdio: 'ignore' })
        const [code] = await once(child, 'close')
        if (code !== 0) throw new Error(`kx recipe run ended with ${code}`)
      }),
    )
  return spread(took.slice(1))
}

async function byWorkbench(place: Place, box: Sshd, rounds: number): Promise<Spread> {
  const app = startPty({
    command: node,
    args: [builtEntry(), '--project', place.project],
    cwd: place.project,
    env: place.env,
    columns: 120,
    rows: 40,
  })
  try {
    await app.waitForText('Home', 60_000)
    const took: number[] = []
    for (let i = 0; i <= rounds; i += 1) {
      app.press(':')
      app.press('recipe.run first --yes')
      await app.waitForText('recipe.run first --yes', 60_000)
      took.push(await timed(box, () => app.press('enter')))
      // The next one begins when this one is over and said.
      // What it said covers the screen until it is closed.
      await app.waitForText('Esc close', 60_000)
      app.press('esc')
      await waitUntil(() => !app.text().includes('Esc close'), { what: 'the screen below', timeoutMs: 60_000 })
    }
    return spread(took.slice(1))
  } finally {
    await app.dispose()
  }
}
