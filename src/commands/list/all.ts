import { createRegistry, type Registry } from '../registry.ts'
import { compareCommands } from './compare.ts'
import { compareViewCommands } from './compare-views.ts'
import { fileCommands } from './files.ts'
import { fleetCommands } from './fleet.ts'
import { hostCommands } from './hosts.ts'
import { houseCommands } from './house.ts'
import { leaseCommands } from './lease.ts'
import { navigationCommands } from './navigation.ts'
import { notebookCommands } from './notebook.ts'
import { promptCommands } from './prompt.ts'
import { recipeCommands } from './recipes.ts'
import { walkCommands } from './walk.ts'

/** The one registry that keys, the `:` line, palette, help, docs and the CLI are made from. */
export function allCommands(): Registry {
  return createRegistry([
    ...walkCommands,
    ...fileCommands,
    ...houseCommands,
    ...hostCommands,
    ...leaseCommands,
    ...fleetCommands,
    ...notebookCommands,
    ...recipeCommands,
    ...compareCommands,
    ...compareViewCommands,
    ...navigationCommands,
    ...promptCommands,
  ])
}
