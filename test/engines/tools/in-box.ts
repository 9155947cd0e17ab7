import { writeFileSync } from 'node:fs'
import { boxEngine } from '../../../src/engine/box/engine.ts'
import type { BoxHandle, SubmitRequest } from '../../../src/engine/types.ts'
import { createLocalHost } from '../../../src/host/local.ts'

/** A process of its own for tests that need the engine elsewhere than they are: one act, its answer as JSON in a file. */
type Act =
  | { readonly act: 'submit'; readonly request: SubmitRequest }
  | { readonly act: 'find'; readonly request: SubmitRequest }
  | { readonly act: 'status'; readonly request: SubmitRequest; readonly handle: BoxHandle }
  | { readonly act: 'cancel'; readonly handle: BoxHandle }

const [asked = '', answerFile = ''] = process.argv.slice(2)
const act = JSON.parse(asked) as Act
const host = createLocalHost()
const answer = await run()
writeFileSync(answerFile, JSON.stringify(answer))
// As hard as a launch can be left.
process.kill(process.pid, 'SIGKILL')

function run(): Promise<unknown> {
  if (act.act === 'submit') return boxEngine.submit(host, act.request)
  if (act.act === 'find') return boxEngine.find(host, act.request.folder, act.request.token)
  if (act.act === 'status') return boxEngine.status(host, act.handle, act.request.units)
  return boxEngine.cancel(host, act.handle, 'enough', 3)
}
