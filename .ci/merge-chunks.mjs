// esbuild gives every set of entry points that share code a chunk of its own: some thirty files before the first frame,
// each looked up, read, compiled and linked. Here those files become two, without a change to what is loaded when.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

/** Chunks that loading `entry` loads with it, itself included; with `isLater` also those it may load later, but `except`. */
function closure(outputs, entry, isLater = false, except = null) {
  const found = new Set(except === null ? [] : [except])
  const visit = (path) => {
    if (found.has(path) || outputs[path] === undefined) return
    found.add(path)
    for (const { path: next, kind } of outputs[path].imports) if (isLater || kind === 'import-statement') visit(next)
  }
  visit(entry)
  return found
}

const entryOf = (outputs, source) => {
  const found = Object.keys(outputs).find((path) => outputs[path].entryPoint === source)
  if (found === undefined) throw new Error(`${source} is no chunk of its own any more: see where it is imported`)
  return found
}

/**
 * Makes one file of `group` and leaves in place of each chunk a few lines that hand on what it exported. Exports are
 * renamed by chunk, so that two chunks may use one name, and stay live.
 */
async function merge(dist, outputs, group, name) {
  const chunks = [...group].map((path, i) => ({ file: basename(path), exports: outputs[path].exports, mark: `_${i}` }))
  const list = (chunk, from) =>
    chunk.exports.map((e) => (from ? `${e} as ${e}${chunk.mark}` : `${e}${chunk.mark} as ${e}`)).join(',')
  const files = new Set(chunks.map((c) => c.file))
  await build({
    stdin: {
      contents: chunks.map((c) => `import './${c.file}'\nexport {${list(c, true)}} from './${c.file}'`).join('\n'),
      resolveDir: dist,
    },
    outfile: join(dist, `${name}.tmp`),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [
      {
        name: 'group-only',
        setup(b) {
          b.onResolve({ filter: /^\.\// }, ({ path, kind }) => {
            const isInside = kind !== 'dynamic-import' && files.has(basename(path))
            return isInside ? { path: join(dist, basename(path)) } : { path, external: true }
          })
        },
      },
    ],
  })
  renameSync(join(dist, `${name}.tmp`), join(dist, `${name}.js`))
  for (const chunk of chunks) {
    if (chunk.exports.length === 0) rmSync(join(dist, chunk.file))
    else writeFileSync(join(dist, chunk.file), `export{${list(chunk, false)}}from'./${name}.js'\n`)
  }
}

/**
 * Merges what the workbench draws its first frame with: `shared` is what commands without a screen may use too, `first`
 * what only a screen needs, Ink among it.
 */
export async function mergeFirstFrame(dist, { outputs }) {
  const before = closure(outputs, entryOf(outputs, 'src/cli/main.ts'))
  const firstFrame = [...closure(outputs, entryOf(outputs, 'src/cli/workbench.ts'))].filter((path) => !before.has(path))
  // A printed screen is drawn from the same models as one on a terminal: it may load what that loads.
  const printed = entryOf(outputs, 'screens/workbench/view.ts')
  const headless = closure(outputs, entryOf(outputs, 'src/cli/headless.ts'), true, printed)
  await merge(
    dist,
    outputs,
    firstFrame.filter((path) => headless.has(path)),
    'shared',
  )
  // What was merged stands behind its old names, and `first` takes it from there.
  await merge(
    dist,
    outputs,
    firstFrame.filter((path) => !headless.has(path)),
    'first',
  )
}
