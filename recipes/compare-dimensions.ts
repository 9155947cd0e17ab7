import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { plural } from '../src/text/format.ts'
import { checkedUnit, clean, folderOf, looksOnly } from './parts/ask.ts'
import { objectOf } from './parts/metrics.ts'

const parameters = z.object({
  unit: z.string().describe('unit whose newest checkpoint is meant'),
  file: z
    .string()
    .default('')
    .describe('path of a checkpoint on the host; the newest .safetensors or .npy of the unit by default'),
  expect: z
    .array(z.string().regex(/^[^=]+=\d+(x\d+)*$/, 'name=2x3'))
    .default([])
    .describe('tensors and their shape by the configuration, such as encoder.weight=512x128'),
})

type Context = CellContext<z.infer<typeof parameters>>

const decoder = new TextDecoder()
/** No header of a real model is larger; the format itself allows 100 MB. */
const longestHeaderBytes = 64 * 1024 * 1024

async function newest(context: Context): Promise<string> {
  if (context.parameters.file !== '') return context.parameters.file
  const folder = `${folderOf(context)}/units/${checkedUnit(context, context.parameters.unit)}/checkpoints`
  const files = ((await context.host.list(folder)) ?? [])
    .filter(({ kind, path }) => kind === 'file' && /\.(safetensors|npy)$/.test(path))
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
  return (
    files[0]?.path ??
    context.fail(
      'There is no checkpoint whose header can be read without Python (.safetensors, .npy).',
      'Name a file: --file <path>.',
    )
  )
}

/** Shapes by name out of the header alone; no tensor is read. */
async function shapesOf(context: Context, path: string): Promise<ReadonlyMap<string, string>> {
  const cut = (what: string): never =>
    context.fail(`${path}: ${what}.`, 'It is torn or damaged: checkpoint-generations.')
  const head = await context.host.read(path, 0, 12)
  if (head === null) return context.fail(`${path} is not there.`)
  if (head.length < 12) return cut('it is shorter than any header')
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head[0] === 0x93 && decoder.decode(head.subarray(1, 6)) === 'NUMPY') {
    const start = head[6] === 1 ? 10 : 12
    const length = head[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
    if (length > 1024 * 1024) return cut('its header is larger than any')
    const text = decoder.decode((await context.host.read(path, start, length)) ?? new Uint8Array())
    const shape = /'shape': \(([\d, ]*)\)/.exec(text)?.[1]
    return shape === undefined
      ? cut('its header names no shape')
      : new Map([['', shape.split(/, ?/).filter(Boolean).join('x')]])
  }
  const length = Number(view.getBigUint64(0, true))
  if (length > longestHeaderBytes) return cut('it is no safetensors file, or its header is damaged')
  const bytes = (await context.host.read(path, 8, length)) ?? new Uint8Array()
  const header = bytes.length === length ? objectOf(decoder.decode(bytes)) : null
  if (header === null) return cut('its header is cut')
  return new Map(
    Object.entries(header).flatMap(([name, value]): [string, string][] => {
      const shape = (value as { shape?: unknown } | null)?.shape
      return name === '__metadata__' || !Array.isArray(shape) ? [] : [[name, shape.join('x')]]
    }),
  )
}

/** Holds what a checkpoint says of its dimensions against what the configuration says. */
export const recipe = defineRecipe({
  id: 'compare-dimensions',
  title: 'Compare dimensions',
  runbook: {
    when: 'A checkpoint does not load: size mismatch, or a configuration that may have been changed.',
    touches: 'Nothing. It reads the header of one checkpoint, a few kilobytes, and compares the shapes that you name.',
    back: 'There is nothing to take back.',
  },
  parameters,
  serves: [
    { rule: 'crash-mark', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'unit-failed', fill: ({ unit }) => (unit === null ? {} : { unit }) },
  ],
  cells: [
    {
      name: 'compare',
      title: 'Read the header',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly(),
      run: async (context) => {
        const path = await newest(context)
        const shapes = await shapesOf(context, path)
        context.say(clean(path))
        for (const [name, shape] of [...shapes].slice(0, 200))
          context.say(clean(`${name === '' ? 'array' : name}: ${shape || 'scalar'}`))
        if (shapes.size > 200) context.say(`and ${shapes.size - 200} more`)
        const wrong = context.parameters.expect.flatMap((each) => {
          const at = each.lastIndexOf('=')
          const [name, wanted] = [each.slice(0, at), each.slice(at + 1)]
          const found = shapes.get(name)
          return found === wanted
            ? []
            : [
                `${name}: ${found === undefined ? 'not in the checkpoint' : `checkpoint ${found}`}, configuration ${wanted}`,
              ]
        })
        await context.record('wrong', wrong)
        if (wrong.length > 0)
          return context.fail(
            clean(wrong.join('; ')),
            'Do not retry before they agree: bring back the configuration of that checkpoint.',
          )
        const compared = context.parameters.expect.length
        return {
          summary:
            compared === 0
              ? `${plural(shapes.size, 'tensor')}, nothing to compare with`
              : `${plural(compared, 'shape')} agree`,
        }
      },
    },
  ],
})
