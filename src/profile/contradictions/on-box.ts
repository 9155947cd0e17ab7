import type { Found, Rule } from './found.ts'
import { wrong } from './found.ts'

/** A command that a machine may run on itself with nobody there (handbook money 8.3): only what can be undone, only to end a meter. */
export const onBox: Rule = ({ billing }) =>
  billing.verbs.flatMap((verb, i): Found[] => {
    if (typeof verb.onBox === 'string') return []
    const at = ['billing', 'verbs', i, 'onBox'] as const
    const found: Found[] = []
    if (!verb.isReversible)
      found.push(
        wrong('on-box', at, `${verb.verb} cannot be undone, so no machine does it to itself`, 'Write `onBox: never`'),
      )
    if (verb.ends !== 'compute' && verb.ends !== 'everything')
      found.push(
        wrong(
          'on-box',
          at,
          `${verb.verb} ends ${verb.ends ?? 'nothing that is said'}, so the machine would be down and bill on`,
          'Write `ends: compute`, or `onBox: never`',
        ),
      )
    if (verb.onBox.command[0]?.includes('=') === true || verb.onBox.command[0]?.startsWith('-') === true)
      found.push(wrong('on-box', [...at, 'command'], 'begins with what is no program', 'Name the program by its path'))
    return found
  })
