import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type PreparedRun, prepareRun } from './prepared-run.ts'
import { hopTo, tellingHost, trusting } from './ssh-host.ts'
import { type Sshd, startSshd } from './sshd.ts'

/** Where the recipes of one test file run: a real sshd, runs prepared on it, and a folder here. */
export interface RecipePlace {
  sshd: Sshd
  host: ReturnType<typeof tellingHost>['host']
  here: string
  prepare(name: string): PreparedRun
}

/** Call it in a `describe`: what it gives is there while its tests run, and cleared away after them. */
export function recipePlace(): RecipePlace {
  const prepared: PreparedRun[] = []
  const prepare = (name: string) => {
    const run = prepareRun(place.sshd.home, name)
    prepared.push(run)
    return run
  }
  const place = { prepare } as RecipePlace
  beforeAll(async () => {
    place.sshd = await startSshd()
    place.host = tellingHost([hopTo(place.sshd)], trusting(place.sshd), {}).host
    place.here = mkdtempSync(join(tmpdir(), 'kx-recipes-'))
  })
  afterAll(async () => {
    for (const run of prepared) run.stop()
    await place.host?.close()
    await place.sshd?.stop()
    if (place.here !== undefined) rmSync(place.here, { recursive: true, force: true })
  })
  return place
}
