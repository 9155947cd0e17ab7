import { existsSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import type { ActResult } from '../run/act.ts'
import { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'

const readyNames = ['scale', 'course'] as const
const isReady = (name: string): name is (typeof readyNames)[number] => (readyNames as readonly string[]).includes(name)

/** Where a list lies: a ready one is shown from kx until it is first ticked, and belongs to the project from then on. */
async function fileOf(projectFolder: string, name: string, forWriting: boolean): Promise<string> {
  const { adoptReady, findChecklists, readyFolder } = await import('../checklist/ready.ts')
  if (isReady(name)) {
    if (forWriting) return adoptReady(name, projectFolder)
    const [own] = await findChecklists(projectFolder, [join('checklists', `${name}.md`)])
    return own ?? join(await readyFolder(), `${name}.md`)
  }
  return isAbsolute(name) ? name : join(projectFolder, name)
}

/** All lists of a project: the ready ones, those in its `checklists` folder, and those that the settings name. */
export async function listFiles(
  projectFolder: string,
): Promise<readonly { readonly name: string; readonly path: string }[]> {
  const { findChecklists } = await import('../checklist/ready.ts')
  const { config } = await loadSettings(projectFolder)
  const ready = await Promise.all(
    readyNames.map(async (name) => ({ name: name as string, path: await fileOf(projectFolder, name, false) })),
  )
  const own = await findChecklists(projectFolder, ['checklists', ...config.checklists])
  const known = new Set(ready.map((r) => r.path))
  return [
    ...ready,
    ...own
      .filter((path) => !known.has(path))
      .map((path) => ({
        name: path.startsWith(`${projectFolder}/`) ? path.slice(projectFolder.length + 1) : path,
        path,
      })),
  ]
}

/** `kx checklist`. */
export async function showChecklist(
  env: CommandEnvironment,
  args: { readonly file?: string | undefined },
): Promise<ActResult> {
  const { readChecklist } = await import('../checklist/tick.ts')
  const wanted =
    args.file === undefined
      ? await listFiles(env.projectFolder)
      : [{ name: args.file, path: await fileOf(env.projectFolder, args.file, false) }]
  for (const { name, path } of wanted)
    if (!existsSync(path))
      return { summary: `no checklist ${name}; kx checklist without words lists them all`, exitCode: 1, data: null }
  const lists = await Promise.all(wanted.map(async ({ name, path }) => ({ name, list: await readChecklist(path) })))
  const lines = lists.flatMap(({ name, list }) => [
    `${list.title ?? basename(name)} (${name}): ${list.items.filter((i) => i.isChecked).length} of ${list.items.length} ticked`,
    ...(args.file === undefined
      ? []
      : list.items.map(
          (i) => `${String(i.index + 1).padStart(4)} ${'  '.repeat(i.depth)}[${i.isChecked ? 'x' : ' '}] ${i.text}`,
        )),
  ])
  return {
    summary: '',
    exitCode: 0,
    data: lists.map(({ name, list }) => ({ file: name, title: list.title, items: list.items })),
    lines,
  }
}

/** `kx tick`: turns one box over; nothing else in the file changes. */
export async function tickTask(
  env: CommandEnvironment,
  args: { readonly file?: string | undefined; readonly task?: number | undefined },
): Promise<ActResult> {
  if (args.file === undefined || args.task === undefined)
    return { summary: 'which task? kx tick <file> <number>', exitCode: 2, data: null }
  const { readChecklist, tick } = await import('../checklist/tick.ts')
  const path = await fileOf(env.projectFolder, args.file, true)
  if (!existsSync(path))
    return { summary: `no checklist ${args.file}; kx checklist lists them all`, exitCode: 1, data: null }
  const list = await readChecklist(path)
  const item = list.items[args.task - 1]
  if (item === undefined)
    return {
      summary: `${args.file} has ${list.items.length} tasks; there is no number ${args.task}`,
      exitCode: 1,
      data: null,
    }
  const { recordedBeside } = await import('./recorded.ts')
  // Who ticked what, and when, goes into the notebook; without a run the box itself is the record.
  return recordedBeside(env, 'checklist.tick', args, async () => {
    const result = await tick(list, item, !item.isChecked)
    if (result.kind === 'refused') return { summary: result.reason, exitCode: 1, data: result }
    return {
      summary: `${!item.isChecked ? 'ticked' : 'unticked'}: ${item.id ?? item.text}`,
      exitCode: 0,
      data: { file: args.file, task: args.task, isTicked: !item.isChecked },
    }
  })
}
