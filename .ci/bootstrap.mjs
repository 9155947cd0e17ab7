// Runs before `npm start` and `npm test`, on whatever Node the machine has (20 or newer): installs what the lock file
// says, when needed, and builds, when a source is newer than the build. Plain JavaScript, no dependencies.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.kx-installed')
const bin = join(root, 'node_modules', '.bin')

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(
    `kx: the set-up needs Node 20 or newer to begin with; this is ${process.version}. Install a newer Node.`,
  )
  process.exit(2)
}

function run(command, args, what) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, PATH: bin + delimiter + process.env.PATH },
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.status === 0) return
  console.error(`kx: ${what} failed (${command} ${args.join(' ')}, exit ${done.status ?? done.error?.message}).`)
  console.error(((done.stdout ?? '') + (done.stderr ?? '')).split('\n').slice(-30).join('\n'))
  console.error('kx: mend the cause above and run the same command again; nothing was left half done.')
  process.exit(1)
}

/** npm is found as the program that called us; without it, on the PATH. */
function npm(args, what) {
  const cli = process.env.npm_execpath
  // Not by the Node of this clone, which npm puts first on the PATH: an update takes it away under our feet.
  const node = process.env.npm_node_execpath ?? process.execPath
  if (cli && /\.c?js$/.test(cli) && !node.startsWith(join(root, 'node_modules'))) run(node, [cli, ...args], what)
  else run('npm', args, what)
}

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(process.platform + process.arch)
  .digest('hex')
const isInstalled = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && existsSync(join(bin, 'node'))
if (!isInstalled) {
  console.error('kx: first start, installing what package-lock.json names (about a minute) …')
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], 'installing the packages')
  // The one package whose install step is needed: it brings Node 24.
  npm(['rebuild', 'node'], 'setting up Node 24')
  writeFileSync(stamp, lock)
}

function newest(path) {
  if (!existsSync(path)) return 0
  const s = statSync(path)
  if (!s.isDirectory()) return s.mtimeMs
  return readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), s.mtimeMs)
}
const sources = ['src', 'screens', 'profiles', 'recipes', 'package-lock.json', '.ci'].map((p) => join(root, p))
const built = join(root, 'dist', 'kx.mjs')
if (!existsSync(built) || Math.max(...sources.map(newest)) > statSync(built).mtimeMs) {
  run(join(bin, 'node'), ['.ci/build.mjs'], 'building')
}
