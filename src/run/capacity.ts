import type { Plan } from '../spec/schema.ts'

/** GPUs that a hardware class names: `8x NVIDIA H200` has eight; one of which nothing is known counts as one. */
export function gpusIn(machineClass: string | null): number {
  if (machineClass === null) return 1
  return machineClass.split(' + ').reduce((sum, part) => sum + Number(/^(\d+)x /.exec(part)?.[1] ?? 1), 0)
}

/** Workers that one host of several runs side by side: those of the plan, and on GPUs never two on one card. */
export function workersOn(plan: Pick<Plan, 'units' | 'resources'>, machineClass: string | null): number {
  if (plan.units.sequential) return 1
  const { compute, workers, gpus } = plan.resources
  return compute === 'cpu' ? workers : Math.max(1, Math.min(workers, gpus ?? workers, gpusIn(machineClass)))
}
