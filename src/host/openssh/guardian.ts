import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

// Reads until kx is gone, in whatever way: then its end of the pipe is closed by the kernel.
const script = `read -r kx_x
kx_program=$1 kx_folder=$2 kx_target=$3
for kx_socket in "$kx_folder"/m-*; do
  [ -S "$kx_socket" ] || continue
  "$kx_program" -F none -S "$kx_socket" -O exit -- "$kx_target"
done
rm -f -- "$kx_folder"/m-* "$kx_folder"/ask-*
rmdir -- "$kx_folder"`

export interface Guardian {
  dismiss(): Promise<void>
}

/**
 * Ends the masters of a folder when kx is killed, and removes the folder. A command under way keeps its `ssh`, and that
 * its master, for as long as it runs: `ControlPersist` alone would bound nothing then. What runs there is not touched.
 */
export function startGuardian(program: string, folder: string, target: string, env: NodeJS.ProcessEnv): Guardian {
  const child: ChildProcess = spawn('sh', ['-c', script, 'kx', program, folder, target], {
    env,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without it masters are still bounded, by ControlPersist.
  child.on('error', () => {})
  child.stdin?.on('error', () => {})
  child.unref()
  const pipe = child.stdin as { unref?: () => void } | null
  pipe?.unref?.()
  return {
    dismiss: async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      // Nothing else may be left to wait for, and a wait that holds no process open would end kx in the middle of it.
      child.ref()
      const over = once(child, 'exit')
      child.kill('SIGKILL')
      await over
    },
  }
}
