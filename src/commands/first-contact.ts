import type { ActContext } from '../run/act.ts'
import type { CommandEnvironment } from './types.ts'

/**
 * The first time that a plan names a platform on this machine: its conveniences and danger clocks are shown, and in the
 * workbench a person is asked whether they were read. What was read is not shown again until it says something else.
 */
export async function meetProfile(
  env: Pick<CommandEnvironment, 'via' | 'who' | 'ask'>,
  ctx: Pick<ActContext, 'profile' | 'cell' | 'clock'>,
): Promise<void> {
  const { profile } = ctx
  if (profile.dangerClocks.length === 0) return
  const [{ acknowledgeClocks, unreadClocks }, { firstContactLines }] = await Promise.all([
    import('../run/read-clocks.ts'),
    import('../profile/first-contact.ts'),
  ])
  const unread = unreadClocks(profile)
  if (unread.length === 0) return
  const lines = firstContactLines(profile, unread)
  ctx.cell.say(`First contact with ${profile.title}:`)
  for (const line of lines) ctx.cell.say(line)
  // A walk by itself and a script go on to the check, which says what is missing.
  const isAsked = env.via !== 'auto' && env.via !== 'cli'
  if (isAsked && (await env.ask.confirm(`First contact with ${profile.title}: is this read?`, lines))) {
    acknowledgeClocks(profile, unread, { who: env.who, atMs: ctx.clock.nowMs() })
    ctx.cell.say(`read by ${env.who}`)
  } else ctx.cell.say(`Not acknowledged yet: kx profile acknowledge ${profile.platform}`)
}
