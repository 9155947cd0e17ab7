import { userInfo } from 'node:os'

/** Login name of the person, for records. A user without an entry in the system's list is named by number. */
export function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return process.env.USER ?? `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
