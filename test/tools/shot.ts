// npm run shot -- <screen> [--size 120x40] [--theme dark] [--project examples/cpcv] [--state <folder>] [--run <id>]
//   [--keys "j j enter"] [--wait "text on screen"] [--ascii] [--no-color] [--out docs/shots] [--name <file>]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { settledScreen, startBuilt } from '../harness/built.ts'
import { screenToSvg, screenToText } from '../harness/svg.ts'

const root = resolve(import.meta.dirname, '../..')

function options() {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '120x40' },
      theme: { type: 'string', default: 'dark' },
      project: { type: 'string', default: join(root, 'examples/cpcv') },
      state: { type: 'string' },
      run: { type: 'string' },
      keys: { type: 'string', default: '' },
      wait: { type: 'string' },
      ascii: { type: 'boolean', default: false },
      'no-color': { type: 'boolean', default: false },
      out: { type: 'string', default: join(root, 'docs/shots') },
      name: { type: 'string' },
    },
  })
  const [screen] = positionals
  const size = /^(\d{1,4})x(\d{1,4})$/.exec(values.size)
  if (screen === undefined || positionals.length > 1 || size === null) {
    throw new Error('npm run shot -- <screen> [--size 120x40]: one screen, and a size of columns x rows')
  }
  return { ...values, screen, columns: Number(size[1]), rows: Number(size[2]) }
}

/** Draws one screen of the built app in an emulated terminal and writes what it shows as SVG and as text. */
async function shot(): Promise<void> {
  const o = options()
  // Without a prepared state the shot shows kx as on the first day, and leaves nothing of this user in the picture.
  const state = o.state ?? mkdtempSync(join(tmpdir(), 'kx-shot-'))
  const app = startBuilt({
    project: o.project,
    state,
    columns: o.columns,
    rows: o.rows,
    args: [
      ...['--screen', o.screen, '--theme', o.theme],
      ...(o.run === undefined ? [] : ['--run', o.run]),
      ...(o.ascii ? ['--ascii'] : []),
      ...(o['no-color'] ? ['--no-color'] : []),
    ],
  })
  try {
    await settledScreen(app)
    for (const key of o.keys.split(' ').filter((k) => k !== '')) {
      app.press(key)
      await settledScreen(app, 150)
    }
    if (o.wait !== undefined) await app.waitForText(o.wait, 120_000)
    // A picture of a screen that is still reading shows nothing of what it is for.
    await app.waitFor((rows) => !rows.some((row) => row.includes('reading the project')), {
      timeoutMs: 60_000,
      what: 'the project to be read',
    })
    await settledScreen(app)
    const look = o.theme === 'dark' ? '' : `-${o.theme}`
    const name = o.name ?? `${o.screen}-${o.columns}x${o.rows}${look}${o.ascii ? '-ascii' : ''}`
    mkdirSync(o.out, { recursive: true })
    const file = resolve(o.out, name)
    writeFileSync(`${file}.svg`, screenToSvg(app.emulator, `kx: ${o.screen}`, o.theme === 'light' ? 'light' : 'dark'))
    writeFileSync(`${file}.txt`, screenToText(app.emulator))
    console.log(`${relative(process.cwd(), file)}.svg and .txt`)
    app.press('q')
    await app.exited
  } finally {
    await app.dispose()
    if (o.state === undefined) rmSync(state, { recursive: true, force: true })
  }
}

try {
  await shot()
} catch (error) {
  console.error(`shot: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
