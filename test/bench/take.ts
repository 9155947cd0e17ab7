import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { machineFacts } from './machine.ts'

export interface Bench {
  /** As npm knows it, such as `bench:ui`. */
  readonly name: string
  /** Each gives figures that can be written as JSON. */
  readonly parts: Readonly<Record<string, () => Promise<unknown>>>
  /** Names of the parts that are wanted, with commas; all without it. */
  readonly only: string | undefined
  /** Where the figures of all parts are kept. */
  readonly out: string
  readonly isQuick: boolean
}

/** Takes the figures of the parts that are wanted, one after the other, and keeps those that others took before. */
export async function takeFigures({ name, parts, only, out, isQuick }: Bench): Promise<void> {
  let results = earlier(out)
  for (const each of only?.split(',') ?? Object.keys(parts)) {
    const part = parts[each]
    if (part === undefined) {
      console.error(`${name} has no part ${each}; it has ${Object.keys(parts).join(', ')}`)
      process.exit(2)
    }
    const machine = await machineFacts()
    console.error(`${name} ${each} (load ${machine.loadAtStart}) …`)
    const figures = await part()
    // Each part keeps the machine and the moment it was taken at: parts can be taken again alone.
    results = { ...results, [each]: { figures, machine, isQuick } }
    mkdirSync(resolve(out, '..'), { recursive: true })
    writeFileSync(out, `${JSON.stringify(results, null, 2)}\n`)
  }
  console.log(JSON.stringify(results, null, 2))
}

function earlier(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}
