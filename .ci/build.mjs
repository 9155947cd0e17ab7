// Builds dist/: one ES module graph, split so that the first frame loads only what it draws.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { fasterInk } from './faster-ink.mjs'
import { mergeFirstFrame } from './merge-chunks.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
/** Also the mark by which a folder is known as a build of ours. */
const packageJson = '{"type":"module"}\n'
const args = process.argv.slice(2)
const outAt = args.indexOf('--out')
/** `--out <folder>` builds beside dist/, for measuring while dist/ is in use. The folder is replaced whole. */
const dist = outAt < 0 ? join(root, 'dist') : resolve(args[outAt + 1] ?? '')
if (outAt >= 0 && (dist === root || root.startsWith(dist + sep) || !isOurs(dist))) {
  console.error(
    `--out needs a folder that is empty, missing or an earlier build of kx; got ${args[outAt + 1] ?? 'nothing'}`,
  )
  process.exit(2)
}

function isOurs(folder) {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return true
  const mark = join(folder, 'package.json')
  return existsSync(mark) && readFileSync(mark, 'utf8') === packageJson
}

/**
 * Files that the program reads beside itself are named in the sources as `new URL('./x', import.meta.url)`. In the
 * bundle every module lies in dist/, so the address is rewritten to dist/assets/ and the file (or folder) copied there.
 * And `import { z } from 'zod'` takes zod as one object, all its languages with it; as a namespace only what is used.
 */
const sources = {
  name: 'sources',
  setup(b) {
    b.onLoad({ filter: /[\\/](src|screens|recipes)[\\/].*\.tsx?$/ }, (args) => {
      const source = readFileSync(args.path, 'utf8')
      if (!source.includes('import.meta.url') && !source.includes("from 'zod'")) return null
      const withZod = source.replace(/^import \{ z \} from 'zod'$/m, "import * as z from 'zod'")
      const contents = withZod.replace(/new URL\((['"])(\.[^'"]+)\1,\s*import\.meta\.url\)/g, (_all, _quote, path) => {
        const from = resolve(dirname(args.path), path)
        const name = relative(root, from).replaceAll('\\', '/')
        if (!existsSync(from)) throw new Error(`${relative(root, args.path)} names ${name}, which does not exist`)
        cpSync(from, join(dist, 'assets', name), { recursive: true })
        return `new URL('./assets/${name}${path.endsWith('/') ? '/' : ''}', import.meta.url)`
      })
      return { contents, loader: args.path.endsWith('x') ? 'tsx' : 'ts' }
    })
  },
}

/** blessed finds its widgets by a computed require; a bundle needs the list written out. */
const blessedWidgets = {
  name: 'blessed-widgets',
  setup(b) {
    b.onLoad({ filter: /[\\/]blessed[\\/]lib[\\/]widget\.js$/ }, (args) => {
      const source = readFileSync(args.path, 'utf8')
      const names = [...source.matchAll(/^\s+'([A-Za-z]+)',?$/gm)].map((m) => m[1])
      const lines = names.map(
        (n) => `widget.${n} = widget.${n.toLowerCase()} = require('./widgets/${n.toLowerCase()}');`,
      )
      return {
        contents: `var widget = exports;\nwidget.classes = ${JSON.stringify(names)};\n${lines.join('\n')}\n`,
        loader: 'js',
      }
    })
  },
}

/** blessed reads its own terminal description from a folder beside its sources; in the bundle it lies beside the chunks. */
const blessedTerminfo = {
  name: 'blessed-terminfo',
  setup(b) {
    b.onLoad({ filter: /[\\/]blessed[\\/]lib[\\/]tput\.js$/ }, (args) => {
      const usr = resolve(dirname(args.path), '../usr')
      for (const name of ['xterm', 'xterm.termcap']) cpSync(join(usr, name), join(dist, 'terminfo', name))
      return { contents: readFileSync(args.path, 'utf8').replaceAll("'/../usr/", "'/terminfo/"), loader: 'js' }
    })
  },
}

/** ink offers React devtools when DEV=true; the package is not installed and must not be looked for. */
const noDevtools = {
  name: 'no-devtools',
  setup(b) {
    b.onResolve({ filter: /^react-devtools-core$/ }, () => ({ path: 'react-devtools-core', namespace: 'stub' }))
    b.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'export default {}', loader: 'js' }))
  },
}

/** Yoga fetches its WebAssembly from a data address, which loads Node's HTTP client; a file beside it needs neither. */
const yogaFromFile = {
  name: 'yoga-from-file',
  setup(b) {
    b.onLoad({ filter: /[\\/]yoga-layout[\\/]dist[\\/]binaries[\\/]yoga-wasm-base64-esm\.js$/ }, (args) => {
      const source = readFileSync(args.path, 'utf8')
      const data = /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/.exec(source)
      if (data === null) throw new Error(`${args.path} holds no WebAssembly any more: look at how Yoga is loaded now`)
      writeFileSync(join(dist, 'yoga.wasm'), Buffer.from(data[1], 'base64'))
      const contents = source.replace(data[0], '"yoga.wasm"').replace(/export default loadYoga;?\s*$/, '')
      return {
        contents: `${contents}
import { readFileSync } from 'node:fs'
export default () => loadYoga({ wasmBinary: readFileSync(new URL('./yoga.wasm', import.meta.url)) })
`,
        loader: 'js',
      }
    })
  },
}

/**
 * One `string-width` for kx and for Ink (which brings five of its own), behind a quick look at the text: its tables of
 * emoji are compiled when a text first needs them, not before the first frame.
 */
const oneStringWidth = {
  name: 'one-string-width',
  setup(b) {
    b.onResolve({ filter: /^string-width$/ }, (args) =>
      args.pluginData === 'whole' || args.kind !== 'import-statement'
        ? null
        : { path: 'string-width', namespace: 'string-width' },
    )
    b.onResolve({ filter: /^whole-string-width$/, namespace: 'string-width' }, () =>
      b.resolve('string-width', { kind: 'import-statement', resolveDir: root, pluginData: 'whole' }),
    )
    b.onLoad({ filter: /.*/, namespace: 'string-width' }, () => ({
      contents: `import { simpleWidth } from './src/terminal/simple-width.ts'
let whole
export default function stringWidth(text, options) {
  const width = typeof text === 'string' && options === undefined ? simpleWidth(text) : null
  if (width !== null) return width
  whole ??= require('whole-string-width').default
  return whole(text, options)
}
`,
      resolveDir: root,
      loader: 'js',
    }))
  },
}

/** Names the code that folds journals by what it says: what an older one left in an index is not taken. */
function foldKey() {
  const files = ['src/run', 'src/walk'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => join(root, folder, name)),
  )
  const hash = createHash('sha256').update(readFileSync(join(root, 'package.json')))
  for (const file of files) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
writeFileSync(join(dist, 'package.json'), packageJson)
const settings = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  jsx: 'automatic',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  metafile: true,
  define: {
    'process.env.NODE_ENV': '"production"',
    'process.env.DEV': '"false"',
    'Intl.Segmenter': '__kxSegmenter',
    __kxFold: JSON.stringify(foldKey()),
  },
  inject: ['.ci/inject.ts'],
  banner: {
    js: "import{createRequire as __kxRequire}from'node:module';const require=__kxRequire(import.meta.url),__dirname=import.meta.dirname;",
  },
  // ssh2 does without its native parts; a bundle cannot hold them.
  external: ['term.js', 'pty.js', 'cpu-features', '*.node'],
  plugins: [
    sources,
    blessedWidgets,
    blessedTerminfo,
    noDevtools,
    yogaFromFile,
    oneStringWidth,
    fasterInk(root, readFileSync),
  ],
  logLevel: 'warning',
}
const result = await build({ ...settings, entryPoints: { main: 'src/cli/main.ts' }, outdir: dist })
// The prompt evaluates in a process of its own, which must not load what the workbench draws with.
await build({ ...settings, metafile: false, entryPoints: { worker: 'src/repl/worker.ts' }, outdir: join(dist, 'repl') })
writeFileSync(join(dist, 'meta.json'), JSON.stringify(result.metafile))
await mergeFirstFrame(dist, result.metafile)
cpSync(join(root, 'src/checklist/ready'), join(dist, 'checklists'), { recursive: true })
cpSync(join(root, 'profiles'), join(dist, 'profiles'), { recursive: true })
await buildRecipes()
/**
 * Recipes run in a process of their own, so they are a build of their own: a recipe, the child that runs it, and what a
 * user's recipe imports (`kx/recipe`, `zod`) share chunks with one another and none with the workbench. They are compiled
 * because Node strips no types below node_modules. Their descriptions are kept beside them: a list loads no recipe.
 */
async function buildRecipes() {
  const folder = join(root, 'recipes')
  const ids = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^[a-z0-9-]+\.ts$/.test(name))
        .map((name) => name.slice(0, -3))
    : []
  await build({
    absWorkingDir: root,
    entryPoints: {
      'recipe-child': 'src/recipe/child.ts',
      'recipes/lib/contract': 'src/recipe/contract.ts',
      'recipes/lib/describe': 'src/recipe/describe.ts',
      'recipes/lib/zod': '.ci/zod.mjs',
      ...Object.fromEntries(ids.map((id) => [`recipes/${id}`, `recipes/${id}.ts`])),
    },
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'recipes/lib/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    minifySyntax: true,
    // Where a recipe fails is told by its lines.
    minifyWhitespace: false,
    legalComments: 'linked',
    // A plain zx script may want all of it, with everything it brings; it lies beside kx.
    external: ['zx'],
    plugins: [sources],
    logLevel: 'warning',
  })
  const { describeRecipe } = await import(join(dist, 'recipes/lib/describe.mjs'))
  const described = []
  for (const id of ids) {
    const { recipe } = await import(join(dist, `recipes/${id}.mjs`))
    if (recipe?.id !== id) throw new Error(`recipes/${id}.ts exports no recipe of that id`)
    described.push(describeRecipe(recipe))
  }
  writeFileSync(join(dist, 'recipes/index.json'), JSON.stringify(described))
}

// Read by sh first, then by Node: the second line is a command to one and a string with a comment to the other. Only
// the command line can set how far the heap may grow on garbage. A frame leaves 3 MB of it and 20 MB are in use, but by
// itself V8 takes up to 250 MB before it looks; with these, 140 (docs/benchmarks.md).
// In a clone the Node that the project brought is taken, whatever the system has, also through a link on the PATH.
// NODE_ENV is set before React can be loaded: static imports are hoisted above assignments in the same file.
writeFileSync(
  join(dist, 'kx.mjs'),
  `#!/bin/sh
':' //; d=$0; [ -L "$d" ] && d=$(readlink -f -- "$d"); n=\${d%/*}/../node_modules/.bin/node; [ -x "$n" ] || n=node; exec "$n" --min-semi-space-size=8 --max-semi-space-size=8 --heap-growing-percent=50 "$0" "$@"
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error('kx needs Node 22.18 or newer; this is ' + process.version + '. In a clone, npm start brings Node 24 itself.')
  process.exit(2)
}
process.env.NODE_ENV = 'production'
const { enableCompileCache } = await import('node:module')
// A folder of the user's own: the default lies in /tmp, which is swept and shared.
const cache = process.env.XDG_CACHE_HOME || (process.env.HOME && process.env.HOME + '/.cache')
enableCompileCache?.(process.env.NODE_COMPILE_CACHE || (cache ? cache + '/kx/compile' : undefined))
const { main } = await import('./main.js')
await main(process.argv.slice(2))
`,
  { mode: 0o755 },
)
const bytes = Object.values(result.metafile.outputs).reduce((sum, o) => sum + o.bytes, 0)
if (args.includes('--verbose')) console.log(`${basename(dist)}: ${Math.round(bytes / 1024)} KiB`)
