import { matchName } from '../spec/glob.ts'

/** One name against one part of a declared glob. A leading dot must be asked for, as in the shell that the runner uses. */
export function matchesName(pattern: string, name: string): boolean {
  return (pattern.startsWith('.') || !name.startsWith('.')) && matchName(name, pattern)
}

export function hasWildcard(component: string): boolean {
  return /[*?{]/.test(component)
}
