import { z } from 'zod'
import { bringUv, findUv, ownUv, ownUvFolder } from '../src/environment/bring-uv.ts'
import { uvVersion, uvWheels } from '../src/environment/uv-release.ts'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { NoAnswer, orUnknown, pathOn, tierFor } from '../src/recipe/shelf/ask.ts'

const parameters = z.object({
  folder: z
    .string()
    .default('')
    .describe('Folder to put it below. Empty: kx-env on the data tier, where kx looks for it.'),
})
type Context = CellContext<z.infer<typeof parameters>>

async function rootOf(context: Context): Promise<string> {
  const { host, parameters: wanted } = context
  if (wanted.folder !== '') return pathOn(context, wanted.folder)
  const tier = tierFor(host, 'data')
  if (tier === null) throw new NoAnswer(`The profile ${host.profile} has no data tier: name a folder.`)
  return `${await pathOn(context, tier.path)}/kx-env`
}

export const recipe = defineRecipe({
  id: 'bootstrap-uv',
  title: 'Bring uv to a machine',
  runbook: {
    when: 'A machine is new and has no uv, and packages are to be installed.',
    touches:
      'One folder `uv-<version>` below `kx-env` on the data tier. The file comes from the package index, by the mirror of the profile where it has one, and only with the hash that kx knows. The PATH and the Python of the machine are not changed.',
    back: 'Its undo removes that folder, if this recipe made it.',
  },
  parameters,
  serves: [{ rule: 'audit.installer' }],
  cells: [
    {
      name: 'uv',
      title: 'Bring uv where it is missing',
      risk: 'change',
      timeoutSeconds: 900,
      plan: (context) =>
        orUnknown(async () => {
          const { $ } = context
          const quiet = $({ quiet: true, nothrow: true })
          const root = await rootOf(context)
          const found = await findUv($({ quiet: true }), root)
          if (found !== null)
            return { change: 'no', lines: [`uv ${found.version} is at ${found.path}`], foundBy: 'probe', targets: [] }
          const python = (await quiet`command -v python3 || command -v python || true`).stdout.trim()
          const machine = (await quiet`uname -m`).stdout.trim()
          if (python === '')
            return {
              change: 'unknown',
              lines: ['there is no Python to fetch it with: install uv there by hand'],
              foundBy: 'probe',
              targets: [],
            }
          if (uvWheels[machine] === undefined)
            return { change: 'unknown', lines: [`kx knows no uv for ${machine}`], foundBy: 'probe', targets: [] }
          return {
            change: 'yes',
            lines: [`bring uv ${uvVersion} to ${ownUv(root)}`],
            foundBy: 'probe',
            targets: [ownUvFolder(root)],
          }
        }),
      run: async (context) => {
        const { host, record, say, targets } = context
        const root = await rootOf(context)
        const $ = context.$({
          env: { ...host.mirrors, UV_NO_PROGRESS: '1', NO_COLOR: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' },
        })
        const before = await findUv($, root)
        if (before !== null) return { summary: `uv ${before.version} is at ${before.path} already` }
        if (targets.length === 0) return context.fail('uv cannot be brought here.', 'The dry run says why.')
        await record('made', { folder: ownUvFolder(root), root })
        await bringUv($, { root, hostName: host.name, say })
        const found = await findUv($, root)
        if (found === null)
          return context.fail('uv was installed and does not run.', `Try ${ownUv(root)} --version by hand.`)
        return { summary: `uv ${found.version} brought to ${found.path}` }
      },
      probe: async (context) => {
        try {
          return (await findUv(context.$({ quiet: true }), await rootOf(context))) === null ? 'not-done' : 'done'
        } catch (error) {
          if (error instanceof NoAnswer) return 'unknown'
          throw error
        }
      },
      undo: async ({ host, results }) => {
        const made = results.uv?.made as { folder: string; root: string } | undefined
        if (made === undefined) return { summary: 'nothing was brought' }
        await host.removeTree(made.folder, made.root)
        return { summary: `${made.folder} removed` }
      },
    },
  ],
})
