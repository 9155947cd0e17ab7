import type { CommandSpec } from '../types.ts'
import { sinceLaunchCommands } from './walk-since-launch.ts'
import { untilLaunchCommands } from './walk-until-launch.ts'

/** The seven phases' acts, in the order of the walk. Each loads its phase when it is first used. */
export const walkCommands: readonly CommandSpec[] = [...untilLaunchCommands, ...sinceLaunchCommands]
