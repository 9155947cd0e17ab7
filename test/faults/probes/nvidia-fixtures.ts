import { gpuFields } from '../../../src/host/probe/nvidia.ts'

/** Cells of one healthy card, as current drivers print them with `nounits`. */
export const healthy: Readonly<Record<(typeof gpuFields)[number], string>> = {
  index: '0',
  uuid: 'GPU-5f1c9a0e-7d2b-4c5e-9a61-0c9d3b7e2f11',
  'pci.bus_id': '00000000:3B:00.0',
  name: 'NVIDIA A100-SXM4-80GB',
  driver_version: '550.54.15',
  pstate: 'P0',
  'utilization.gpu': '87',
  'utilization.memory': '41',
  'memory.total': '81920',
  'memory.used': '40213',
  'temperature.gpu': '61',
  'fan.speed': '30',
  'power.draw': '312.45',
  'power.limit': '400.00',
  'clocks.sm': '1410',
  'clocks.max.sm': '1410',
  'clocks.mem': '1593',
  'clocks.max.mem': '1593',
  'pcie.link.gen.current': '4',
  'pcie.link.width.current': '16',
  'ecc.errors.uncorrected.volatile.total': '0',
  'clocks_throttle_reasons.active': '0x0000000000000000',
  compute_cap: '8.0',
}

/** One line of the answer, with some cells changed. */
export function line(changes: Partial<Record<string, string>> = {}, separator = ', '): string {
  return `${gpuFields.map((field) => changes[field] ?? healthy[field]).join(separator)}\n`
}

const models: readonly (readonly [string, string])[] = [
  ['NVIDIA H200', '143771'],
  ['NVIDIA H100 80GB HBM3', '81559'],
  ['NVIDIA A10G', '22888'],
  ['NVIDIA L4', '22888'],
  ['Tesla T4', '15109'],
  ['Tesla V100-SXM2-16GB', '16160'],
  ['NVIDIA GeForce RTX 4090', '24564'],
  ['NVIDIA RTX 6000 Ada Generation', '49140'],
  ['NVIDIA GeForce GTX 1050 Ti', '4096'],
  ['Quadro K620', '2002'],
]

export interface Fixture {
  readonly name: string
  readonly text: string
  readonly fields?: readonly string[]
  /** Cards that must come out; null: the answer as a whole must be unknown. */
  readonly cards: number | null
  /** Figures of the first card that must be unknown. */
  readonly unknown?: readonly string[]
  /** Figures of the first card that must have this very value. */
  readonly values?: Readonly<Record<string, number | string>>
}

const words = [
  '[N/A]',
  'N/A',
  '[Not Supported]',
  '[Unknown Error]',
  'ERR!',
  '[GPU requires reset]',
  '[Insufficient Permissions]',
  '',
]
const columns: readonly (readonly [string, string])[] = [
  ['utilization.gpu', 'utilisationPercent'],
  ['memory.used', 'memoryUsedMiB'],
  ['fan.speed', 'fanPercent'],
  ['power.draw', 'powerWatts'],
  ['temperature.gpu', 'temperatureCelsius'],
]

export const nvidiaFixtures: readonly Fixture[] = [
  ...models.map(([name, memory]) => ({
    name: `model ${name}`,
    text: line({ name, 'memory.total': memory, 'memory.used': '3' }),
    cards: 1,
    values: { name, memoryTotalMiB: Number(memory), utilisationPercent: 87, eccUncorrected: 0 },
  })),
  ...columns.flatMap(([field, key]) =>
    words.map((word) => ({ name: `${field} reads ${word}`, text: line({ [field]: word }), cards: 1, unknown: [key] })),
  ),
  {
    name: 'units present',
    text: line({
      'utilization.gpu': '55 %',
      'memory.total': '40960 MiB',
      'memory.used': '1024 MiB',
      'power.draw': '66.12 W',
      'clocks.sm': '1410 MHz',
    }),
    cards: 1,
    values: { utilisationPercent: 55, memoryTotalMiB: 40960, memoryUsedMiB: 1024, powerWatts: 66.12, smClockMHz: 1410 },
  },
  {
    name: 'GiB',
    text: line({ 'memory.total': '80 GiB', 'memory.used': '2 GiB' }),
    cards: 1,
    values: { memoryTotalMiB: 81920, memoryUsedMiB: 2048 },
  },
  { name: 'foreign unit', text: line({ 'power.draw': '66 kW' }), cards: 1, unknown: ['powerWatts'] },
  {
    name: 'decimal comma',
    text: line({ 'power.draw': '312,45' }),
    cards: 1,
    values: { powerWatts: 312.45, smClockMHz: 1410 },
  },
  {
    name: 'name with comma',
    text: line({ name: 'NVIDIA A100, 80GB, rev 2' }),
    cards: 1,
    values: { name: 'NVIDIA A100, 80GB, rev 2', memoryTotalMiB: 81920 },
  },
  {
    name: 'comma without space',
    text: line({}, ','),
    cards: 1,
    values: { memoryUsedMiB: 40213, name: 'NVIDIA A100-SXM4-80GB' },
  },
  { name: 'wide spaces', text: line({}, ',   '), cards: 1, values: { memoryUsedMiB: 40213 } },
  { name: 'carriage returns', text: line().replace('\n', '\r\n'), cards: 1, values: { computeCapability: '8.0' } },
  {
    name: 'MIG parent',
    text: line({
      'utilization.gpu': '[N/A]',
      'utilization.memory': '[N/A]',
      name: 'NVIDIA A100-SXM4-40GB MIG 1g.5gb',
      uuid: 'MIG-GPU-5f1c9a0e-7d2b/7/0',
    }),
    cards: 1,
    unknown: ['utilisationPercent'],
    values: { uuid: 'MIG-GPU-5f1c9a0e-7d2b/7/0' },
  },
  {
    name: 'eight cards',
    text: Array.from({ length: 8 }, (_, i) => line({ index: String(i) })).join(''),
    cards: 8,
    values: { index: 0 },
  },
  { name: 'no cards', text: 'No devices were found\n', cards: 0 },
  { name: 'nothing', text: '', cards: null },
  { name: 'blank', text: '\n\n', cards: null },
  {
    name: 'no driver',
    text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n",
    cards: null,
  },
  {
    name: 'mismatch',
    text: 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.90\n',
    cards: null,
  },
  { name: 'unknown NVML error', text: 'Failed to initialize NVML: Unknown Error\n', cards: null },
  { name: 'unknown field', text: 'Field "compute_cap" is not a valid field to query.\n\n', cards: null },
  {
    name: 'device handle',
    text: 'Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error\n',
    cards: 0,
  },
  {
    name: 'lost',
    text: 'Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU\n',
    cards: 0,
  },
  {
    name: 'one lost of two',
    text: `${line()}Unable to determine the device handle for GPU0000:02:00.0: GPU is lost.\n`,
    cards: 1,
  },
  { name: 'chatter', text: 'WARNING: infoROM is corrupted at gpu 0000:00:1E.0\n', cards: null },
  { name: 'shell error', text: 'sh: 1: nvidia-smi: Input/output error\n', cards: null },
  { name: 'cut without newline', text: line().slice(0, -1), cards: null },
  { name: 'too few cells', text: '0, GPU-1, x\n', cards: null },
  { name: 'utilisation of 300', text: line({ 'utilization.gpu': '300' }), cards: 1, unknown: ['utilisationPercent'] },
  { name: 'negative', text: line({ 'temperature.gpu': '-1' }), cards: 1, unknown: ['temperatureCelsius'] },
  { name: 'more used than total', text: line({ 'memory.used': '999999' }), cards: 1, unknown: ['memoryUsedMiB'] },
  {
    name: 'total of zero',
    text: line({ 'memory.total': '0', 'memory.used': '0' }),
    cards: 1,
    unknown: ['memoryTotalMiB'],
  },
  {
    name: 'true zeros',
    text: line({ 'utilization.gpu': '0', 'memory.used': '0' }),
    cards: 1,
    values: { utilisationPercent: 0, memoryUsedMiB: 0 },
  },
  {
    name: 'throttle as words',
    text: line({ 'clocks_throttle_reasons.active': 'Not Active' }),
    cards: 1,
    unknown: ['throttleReasons'],
  },
  {
    name: 'escape sequence in the name',
    text: line({ name: '\u001b[31mred' }),
    cards: 1,
    values: { utilisationPercent: 87 },
  },
  {
    name: 'fewer fields asked',
    fields: gpuFields.filter((field) => field !== 'compute_cap' && field !== 'fan.speed'),
    text: `${gpuFields
      .filter((field) => field !== 'compute_cap' && field !== 'fan.speed')
      .map((field) => healthy[field])
      .join(', ')}\n`,
    cards: 1,
    unknown: ['computeCapability', 'fanPercent'],
    values: { powerWatts: 312.45 },
  },
  {
    name: 'renamed throttle field',
    fields: gpuFields.map((field) =>
      field === 'clocks_throttle_reasons.active' ? 'clocks_event_reasons.active' : field,
    ),
    text: line({ 'clocks_throttle_reasons.active': '0x0000000000000004' }),
    cards: 1,
    values: { utilisationPercent: 87 },
  },
]
