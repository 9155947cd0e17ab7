import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '../..')

const source = `
import { createElement } from 'react'
import { render, Text } from 'ink'
render(createElement(Text, null, 'hello from ink'))
setInterval(() => {}, 1000)
// Ends as kx does, so that Node writes its compile cache.
process.on('SIGTERM', () => process.exit(0))
`

/**
 * The smallest Ink program, bundled in the way kx is: production React, minified, started through a launcher that
 * enables the compile cache. It is the floor that the start of kx is held to.
 */
export async function buildHello(): Promise<{ entry: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'kx-hello-'))
  await build({
    absWorkingDir: root,
    stdin: { contents: source, resolveDir: root, loader: 'js' },
    outfile: join(folder, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
    banner: { js: "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" },
    plugins: [
      {
        name: 'no-devtools',
        setup(b) {
          b.onResolve({ filter: /^react-devtools-core$/ }, () => ({ path: 'stub', namespace: 'stub' }))
          b.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'export default {}' }))
        },
      },
    ],
    logLevel: 'warning',
  })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
  const entry = join(folder, 'hello.mjs')
  writeFileSync(
    entry,
    "process.env.NODE_ENV = 'production'\nconst { enableCompileCache } = await import('node:module')\n" +
      "enableCompileCache?.()\nawait import('./main.js')\n",
  )
  return { entry, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
