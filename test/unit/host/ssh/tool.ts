import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Whether a program is installed. Missing ones skip a test here, and fail it where KX_REQUIRE_TOOLS or CI asks for all. */
export function hasTool(name: string): boolean {
  const isThere = (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name)))
  if (!isThere && (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1'))
    throw new Error(`${name} is not installed, and every test is asked for.`)
  return isThere
}
