import { known, quote, type Reading, unknown } from './value.ts'

export interface TmuxSession {
  readonly name: string
  readonly createdAtMs: number
}

/** Parses `tmux ls -F '#{session_name} #{session_created}'`. Names may hold spaces. Nothing printed: no sessions. */
export function parseTmuxSessions(text: string): Reading<readonly TmuxSession[]> {
  if (text === '') return known([])
  if (/^(no server running on|error connecting to|no sessions)/.test(text)) return known([])
  if (!text.endsWith('\n')) return unknown('the output of tmux was cut')
  const sessions: TmuxSession[] = []
  for (const line of text.slice(0, -1).split('\n')) {
    const match = /^(.+) (\d{9,11})$/.exec(line)
    if (match?.[1] === undefined) return unknown(`not a session of tmux: ${quote(line)}`)
    sessions.push({ name: match[1], createdAtMs: Number(match[2]) * 1000 })
  }
  return known(sessions)
}
