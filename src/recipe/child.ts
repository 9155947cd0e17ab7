import { processWire } from '../host/proxy/wire.ts'
import { loadZx } from '../host/zx/load.ts'
import { serveRecipe } from './child-serve.ts'

// Of kx's own start, and nothing that a recipe or its commands should see.
delete process.env.NODE_COMPILE_CACHE
// This process is begun for one recipe, and is over when kx is.
const wire = processWire(process)
void wire.closed.then(() => process.exit(0))
// An error that nobody awaited must not take the other cells along: it is said, and the cell goes on to its own end.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  })
serveRecipe(wire)
// The cells run by it: loaded while kx opens the run and its hosts.
void loadZx().catch(() => {})
