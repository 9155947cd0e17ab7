import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { folderOr, NoAnswer, orUnknown, pathOn } from '../src/recipe/shelf/ask.ts'
import {
  choosePackable,
  giveBack,
  type Lent,
  lendOne,
  packOne,
  type Shard,
  shardsOf,
  unpackOne,
} from '../src/recipe/shelf/pack.ts'
import { thereOf } from '../src/recipe/shelf/remove.ts'
import { folderOfTier } from '../src/recipe/shelf/serve.ts'
import { gainText, spaceAt, spaceText } from '../src/recipe/shelf/space.ts'
import { type SeenFile, survey } from '../src/recipe/shelf/survey.ts'
import { plural } from '../src/text/format.ts'

const parameters = z.object({
  folder: z.string().default('').describe('Folder to look in. Empty: the folder of the run there, else the data tier.'),
  smallerThanKib: z.number().positive().max(1024).default(256).describe('Larger files are left, in KiB.'),
  atLeastFiles: z.number().int().min(2).default(100).describe('Folders with fewer small files are left.'),
  olderThanMinutes: z.number().min(0).default(60).describe('Files written since then are left, in minutes.'),
  acceptHidden: z.boolean().default(false).describe('Go on though files that other users have open cannot be seen.'),
})
type Context = CellContext<z.infer<typeof parameters>>

async function look(context: Context) {
  const { parameters: wanted, run } = context
  const folder = await folderOr(context, wanted.folder, 'data', 'scratch')
  const seen = await survey(context, folder, [])
  if (seen.hiddenProcesses > 0 && !wanted.acceptHidden)
    throw new NoAnswer('processes of other users cannot be looked into, so what they have open is not known')
  const ids = new Set((run?.units ?? []).filter((unit) => unit.state === 'done').map((unit) => unit.id))
  const finished = run?.boxFolder == null ? null : { folder: run.boxFolder, ids }
  const folders = choosePackable(
    seen,
    {
      smallerThanBytes: wanted.smallerThanKib * 1024,
      atLeastFiles: wanted.atLeastFiles,
      olderThanMinutes: wanted.olderThanMinutes,
    },
    finished,
  )
  return { folder, seen, folders }
}

/** Other file systems of the host, those that outlive a reboot first. */
async function lend(context: Context, root: string, file: SeenFile): Promise<Lent | null> {
  const places = [await pathOn(context, '$HOME'), '/var/tmp', '/tmp', '/dev/shm']
  // Before anything is done, so that it is found again whatever happens.
  await context.record('lending', { path: file.path, as: `.kx-lent-${file.inode}-${file.mtimeSeconds}`, places })
  const lent = await lendOne(context, root, file, places)
  if (lent === null) return null
  await context.record('lent', lent)
  context.say(`no inode was free: ${file.path} lies at ${lent.at} until there is one`)
  return lent
}

async function putBack(context: Context, lent: Lent): Promise<void> {
  if (!(await giveBack(context, lent)))
    context.fail(`${lent.path} still lies at ${lent.at}.`, 'Make room for one file, and move it back by hand.')
  context.say(`${lent.path} is back`)
}

export const recipe = defineRecipe({
  id: 'free-inodes',
  title: 'Pack small files of finished work into tar shards',
  runbook: {
    when: '"No space left" though bytes are free: the file system, or the cap of the platform, has no inodes left.',
    touches:
      'Small plain files in folders that have many of them: those of each folder go into tar shards beside them, and each file is removed right after it was compared with what its shard holds. Never: artifacts of a run, what the runner wrote, units that are not finished, links, open files, anything called best. With no inode left at all, one file lies on another file system of the host for a moment (home, else /var/tmp, /tmp, /dev/shm), under a name that the record tells.',
    back: 'Its undo unpacks the shards, compares, and removes them; by hand, `tar -xf kx-packed-….tar` in that folder. It needs the inodes that packing freed.',
  },
  parameters,
  serves: [
    { rule: 'disk-inodes', fill: folderOfTier },
    { rule: 'audit.inodes', fill: folderOfTier },
    { rule: 'audit.inode-budget', fill: folderOfTier },
  ],
  cells: [
    {
      name: 'pack',
      title: 'Pack folder by folder',
      risk: 'change',
      timeoutSeconds: 6 * 3600,
      plan: (context) =>
        orUnknown(async () => {
          const { folder, folders } = await look(context)
          const files = [...folders.values()].flat()
          return {
            change: files.length > 0 ? 'yes' : 'no',
            lines: [
              spaceText(await spaceAt(context, folder)),
              ...[...folders].map(
                ([path, each]) =>
                  `${path}: ${plural(each.length, 'file')} into ${plural(shardsOf(each).length, 'shard')}`,
              ),
              ...(files.length > 0 ? [] : ['no folder has enough small files that may be packed']),
            ],
            foundBy: 'probe',
            targets: files.map((file) => file.path),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'nothing is to be packed' }
        const { folder, seen, folders } = await look(context)
        const before = await spaceAt(context, folder)
        const wanted = new Set(context.targets)
        const shards: Shard[] = [...((context.results.pack?.shards ?? []) as Shard[])]
        let lent = (context.results.pack?.lent ?? null) as Lent | null
        let removed = 0
        let left = 0
        for (const files of folders.values()) {
          let rest: readonly SeenFile[] = files.filter((file) => wanted.has(file.path))
          if (lent === null && rest.length > 2 && before.inodes.isKnown && before.inodes.value.free === 0) {
            const smallest = rest.reduce((a, b) => (b.bytes < a.bytes ? b : a))
            lent = await lend(context, seen.root, smallest)
            if (lent !== null) rest = rest.filter((file) => file !== smallest)
          }
          for (const batch of shardsOf(rest)) {
            const name = `kx-packed-${seen.clockSeconds}-${shards.length}.tar`
            const packed = await packOne(context, seen.root, name, batch)
            if (packed.kind === 'left') {
              left += batch.length
              context.say(`left ${plural(batch.length, 'file')} of ${batch[0]?.path}: ${packed.why}`)
              continue
            }
            shards.push(packed.shard)
            await context.record('shards', shards)
            removed += packed.removed
            left += batch.length - packed.removed
            context.say(`${packed.shard.folder}/${name}: ${plural(packed.removed, 'file')}`)
          }
        }
        if (lent !== null) await putBack(context, lent)
        if (removed === 0) context.fail('Nothing could be packed.', 'Free some room first: free-disk.')
        const gain = gainText(before, await spaceAt(context, folder))
        return {
          summary: `${plural(removed, 'file')} packed into ${plural(shards.length, 'shard')}${left > 0 ? `, ${left} left` : ''}, ${gain}`,
        }
      },
      probe: async (context) => {
        const { shards, lent } = (context.results.pack ?? {}) as { shards?: Shard[]; lent?: Lent }
        if (shards === undefined) return lent === undefined ? 'unknown' : 'not-done'
        const paths = shards.map((shard) => `${shard.folder}/${shard.name}`)
        if (lent !== undefined) paths.push(lent.path)
        return (await thereOf(context, paths)).length === paths.length ? 'done' : 'not-done'
      },
      undo: async (context) => {
        const { shards = [], lent } = (context.results.pack ?? {}) as { shards?: Shard[]; lent?: Lent }
        if (lent !== undefined) await putBack(context, lent)
        const stuck: string[] = []
        for (const shard of shards) {
          const word = await unpackOne(context, shard)
          const files = shard.files.map((name) => `${shard.folder}/${name}`)
          // Unpacked by an undo that stopped at a later one.
          if (word === 'gone' && (await thereOf(context, files)).length === files.length) continue
          if (word !== 'unpacked') stuck.push(`${shard.folder}/${shard.name} (${word})`)
        }
        if (stuck.length > 0)
          context.fail(
            `Not unpacked: ${stuck.join(', ')}.`,
            'Make room (inodes), then undo again, or use tar -xf by hand.',
          )
        return { summary: `${plural(shards.length, 'shard')} unpacked` }
      },
    },
  ],
})
