import { Captured } from '../captured.ts'
import { defaultMaxBytes } from '../local-exec.ts'
import type { RunScript } from '../remote/types.ts'
import { scriptInput } from '../script.ts'
import type { SshConnection } from './connection.ts'
import { RemoteProcess } from './process.ts'

/** Runs scripts over a connection that is not yet the host's; only the end of the connection ends them. */
export function scriptsOver(connection: SshConnection): RunScript {
  return async (source, args) => {
    const captured = new Captured(defaultMaxBytes)
    const process = await RemoteProcess.start(
      connection,
      ['sh', '-s', '--', ...args],
      {
        stdin: scriptInput(source),
        onStdout: (chunk) => captured.out.add(chunk),
        onStderr: (chunk) => captured.err.add(chunk),
      },
      connection.signal,
    )
    return captured.result(await process.ending, false)
  }
}
