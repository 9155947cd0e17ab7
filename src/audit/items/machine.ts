import { usableCores } from '../../host/probe/machine-class.ts'
import type { Verdict } from '../../walk/verdict.ts'
import type { AuditItem, Look, Looked } from '../look.ts'
import { asksForNoGpu, judgeGpuDriver, judgeGpuHealth, judgeGpuMemory, judgeGpuPresent } from '../rules/gpu.ts'
import { judgeGpuFree } from '../rules/gpu-free.ts'
import { judgeCapability } from '../rules/interpreter.ts'
import { judgeClock, judgeCpu, judgeLimits, judgeMemory, judgeShm } from '../rules/machine.ts'
import { smokeFigures } from '../smoke-figures.ts'

const gate = 'audit/box' as const
const query =
  'nvidia-smi --query-gpu=index,name,memory.total,memory.used,driver_version,temperature.gpu,clocks.sm,clocks.max.sm --format=csv,noheader,nounits'

async function memory(look: Look): Promise<Looked> {
  const { probe } = await look.probe()
  const { resources } = look.plan
  const peak = smokeFigures(look.ctx.run.state())?.peakRssBytes ?? null
  const measured = peak === null ? null : peak * resources.workers
  const declared = resources.memoryBytes ?? null
  const bytes = measured === null ? declared : Math.max(measured, declared ?? 0)
  const from =
    bytes === null
      ? 'neither the plan nor a smoke says'
      : bytes === measured
        ? 'measured in the smoke x workers'
        : 'the plan'
  return {
    ...judgeMemory(probe.cgroup, probe.memory, probe.oomKills, probe.oomScope, { bytes, from }),
    command: 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.events',
  }
}

async function cpu(look: Look): Promise<Looked> {
  const { probe } = await look.probe()
  const { workers, threadsPerWorker } = look.plan.resources
  return {
    ...judgeCpu(probe.cores, probe.cgroup.cpuCores, usableCores(probe), workers, threadsPerWorker ?? null),
    command: 'cat /sys/fs/cgroup/cpu.max; nproc',
  }
}

async function clock(look: Look): Promise<Looked> {
  const before = look.ctx.clock.nowMs()
  const ran = await look.exec(['date', '+%s'])
  const after = look.ctx.clock.nowMs()
  const text = new TextDecoder().decode(ran.stdout).trim()
  const seconds = /^\d{9,11}$/.test(text)
    ? ({ isKnown: true, value: Number(text) } as const)
    : ({ isKnown: false, reason: 'date gave no number' } as const)
  const newest = await look.local.stat(look.ctx.loaded.file)
  return { ...judgeClock(seconds, before, after, newest?.mtimeMs ?? null), command: 'date +%s' }
}

/** Cards that the plan needs: as declared, else one a worker is not asked, one at all is. */
const wantedGpus = (look: Look) => look.plan.resources.gpus ?? 1

const gpuItem = (
  id: string,
  title: string,
  fix: string,
  judge: (look: Look) => Promise<Verdict>,
  command = query,
): AuditItem => ({
  spec: { id, title, gate, severity: 'error', how: 'auto', fix },
  timeoutSeconds: 60,
  look: async (look) => (look.plan.resources.compute === 'cpu' ? asksForNoGpu() : { ...(await judge(look)), command }),
})

export const machineItems: readonly AuditItem[] = [
  {
    spec: {
      id: 'audit.cgroup-memory',
      title: 'Memory that the run may use',
      gate,
      severity: 'error',
      how: 'auto',
      fix: 'Use fewer workers, or take a machine with more memory.',
    },
    look: memory,
  },
  {
    spec: {
      id: 'audit.cpu-quota',
      title: 'Cores that the run may use',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Set workers and threads to what may be used.',
    },
    look: cpu,
  },
  {
    spec: {
      id: 'audit.process-limits',
      title: 'Processes and open files that it may have',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Raise the limit (ulimit, limits.conf, --pids-limit of the container), or use fewer workers.',
    },
    look: async (look) => {
      const { wide } = (await look.probe()).probe
      const { workers, threadsPerWorker } = look.plan.resources
      return {
        ...judgeLimits(wide.limits, wide.pids, workers, threadsPerWorker ?? null),
        command: 'cat /proc/self/limits /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids.current',
      }
    },
  },
  {
    spec: {
      id: 'audit.shm',
      title: 'Shared memory for loader workers',
      gate,
      severity: 'warn',
      how: 'auto',
      fix: 'Give the container more shared memory, or use fewer loader workers.',
    },
    look: async (look) => {
      const { probe } = await look.probe()
      return {
        ...judgeShm(probe.shm, look.plan.resources.shmBytes ?? null, look.plan.resources.compute),
        command: 'df -P -B1 /dev/shm',
      }
    },
  },
  {
    spec: {
      id: 'audit.clock',
      title: 'The clock is right',
      gate: 'audit/reach',
      severity: 'warn',
      how: 'auto',
      fix: 'Set the clock (NTP): ages, leases and deadlines rest on it.',
    },
    look: clock,
  },
  gpuItem(
    'audit.gpu-present',
    'The cards that the plan asks for',
    'Take a machine with the cards that the plan asks for.',
    async (look) => judgeGpuPresent((await look.probe()).probe.gpus, wantedGpus(look)),
  ),
  gpuItem(
    'audit.gpu-memory',
    'Memory of each card',
    'Take cards with more memory, or make the model smaller.',
    async (look) => judgeGpuMemory((await look.probe()).probe.gpus, look.plan.resources.gpuMemoryMiB ?? null),
  ),
  gpuItem(
    'audit.gpu-driver',
    'Driver, toolkit and CUDA of the run fit',
    'Use a build for the CUDA that this driver supports.',
    async (look) => {
      const { gpus, wide } = (await look.probe()).probe
      const facts = await look.interpreter()
      const ofRun = facts.isKnown ? facts.value.cuda : null
      const versions = { ofRun, ofDriver: wide.driverCuda, ofToolkit: wide.toolkit }
      return judgeGpuDriver(gpus, versions, look.profile.hostDriverCudaMax)
    },
    `${query}; nvidia-smi; nvcc --version`,
  ),
  gpuItem(
    'audit.gpu-capability',
    'Kernels are built for these cards',
    'Install a build that holds kernels for these cards.',
    async (look) => judgeCapability(await look.interpreter()),
    'python -c "import torch; print(torch.cuda.get_arch_list(), torch.cuda.get_device_capability())"',
  ),
  gpuItem('audit.gpu-health', 'The cards are well', 'Take another machine; do not fight this one.', async (look) => {
    const { probe } = await look.probe()
    return judgeGpuHealth(probe.gpus, probe.xids)
  }),
  gpuItem(
    'audit.gpu-free',
    'Nobody else is on the cards',
    'End the processes that hold the cards, or take others.',
    async (look) => {
      const { probe } = await look.probe()
      return judgeGpuFree(probe.gpus, probe.gpuProcesses, probe.wide)
    },
    'nvidia-smi --query-compute-apps=gpu_uuid,pid,process_name,used_memory --format=csv,noheader,nounits',
  ),
]
