import { cpus, loadavg, release, totalmem } from 'node:os'
import { tmuxVersion } from '../harness/tmux.ts'

/** What the figures were taken on; the load says how far they can be trusted. */
export async function machineFacts() {
  return {
    takenAt: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    kernel: release(),
    node: process.version,
    tmux: await tmuxVersion(),
    /** Runnable tasks, mean of one minute, as the bench began: above the count of cores, times are inflated. */
    loadAtStart: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
}
export type MachineFacts = Awaited<ReturnType<typeof machineFacts>>
