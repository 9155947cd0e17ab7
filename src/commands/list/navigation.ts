import { phases } from '../../walk/phase.ts'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec } from '../types.ts'

/** A command that the workbench itself carries out, under its id. */
function ui(
  id: string,
  title: string,
  description: string,
  keys: string[],
  more: Partial<Omit<CommandSpec, 'args'>> = {},
): CommandSpec {
  return command({ id, title, description, args: noArgs, keys, where: 'global', risk: 'read', ...more })
}

const phaseTitles = {
  plan: 'Plan',
  audit: 'Environment audit',
  smoke: 'Smoke',
  cost: 'Cost',
  launch: 'Launch',
  patrol: 'Patrol',
  teardown: 'Teardown',
} as const

/** Movement, views and the workbench's own acts. */
export const navigationCommands: readonly CommandSpec[] = [
  ...phases.map((phase, i) =>
    ui(
      `go.${phase}`,
      `Go to ${phaseTitles[phase]}`,
      `Shows screen ${i + 1} of the walk.`,
      [`${i + 1}`, `g ${phase[0]}`].slice(0, phase === 'patrol' || phase === 'plan' ? 1 : 2),
    ),
  ),
  ui('go.home', 'Go to Home', 'Every run and every meter of this user, over all projects.', ['0', 'g h'], {
    hint: 'home',
  }),
  ui(
    'go.checklists',
    'Go to Checklists',
    'Lists that a person ticks: the ready ones and any Markdown file with task items.',
    ['g x'],
  ),
  ui('go.fleet', 'Go to Hosts', 'Every host of this run: state, age, GPUs, disk, units, money.', ['g o']),
  ui(
    'fleet.mark',
    'Mark host',
    'Marks the host under the cursor, or takes the mark away; acts then go to all that are marked.',
    ['space'],
    { where: ['fleet'], hint: 'mark' },
  ),
  ui('fleet.sort', 'Sort hosts', 'As the plan names them, then by state, units left, age, cost.', ['s'], {
    where: ['fleet'],
    hint: 'sort',
  }),
  ui('view.host', 'Next host', 'Shows this phase of the next host of the run.', ['H'], {
    where: ['audit', 'smoke', 'launch'],
    disabled: (s) => ((s.run?.fleet?.hosts.length ?? 1) > 1 ? null : 'this run has one host'),
  }),
  ui('go.profiles', 'Go to Profiles', 'What kx knows of each platform.', ['g f']),
  ui('go.recipes', 'Go to Recipes', 'Runbooks: what to do about a symptom, cell by cell.', ['g b']),
  ui('go.compare', 'Go to Compare', 'Runs side by side: what changed, and whether it matters.', ['g d']),
  ui('go.report', 'Go to Report', 'The report of this run.', ['g r']),
  ui('go.notebook', 'Go to the notebook', 'Everything that was done in this run, newest first.', ['g n']),
  ui('go.config', 'Go to Settings', 'Effective settings and where each came from.', ['g ,']),
  ui('go.back', 'Back', 'The screen before this one.', ['[', 'alt+left']),
  ui('go.forward', 'Forward', 'The screen that Back left.', [']', 'alt+right']),
  ui('move.down', 'Down', 'Next row.', ['j', 'down']),
  ui('move.up', 'Up', 'Row before.', ['k', 'up']),
  ui(
    'move.left',
    'Left',
    'The cell before, in the split grid; on Compare the cursor of the curves, or what the view turns through.',
    ['h', 'left'],
    { where: ['patrol', 'compare'] },
  ),
  ui(
    'move.right',
    'Right',
    'The next cell, in the split grid; on Compare the cursor of the curves, or what the view turns through.',
    ['l', 'right'],
    { where: ['patrol', 'compare'] },
  ),
  ui('move.page-down', 'Page down', 'One page on.', ['pagedown', 'ctrl+d']),
  ui('move.page-up', 'Page up', 'One page back.', ['pageup', 'ctrl+u']),
  ui('move.top', 'Top', 'First row.', ['home', 'g g']),
  ui('move.bottom', 'Bottom', 'Last row; a log follows again.', ['end', 'G']),
  ui(
    'view.open',
    'Open',
    'Opens the row: its evidence, command and fix; a run on the home screen; the log of a cell of the split grid; ticks on a checklist.',
    ['enter'],
    { hint: 'open' },
  ),
  ui('view.next-pane', 'Next pane', 'Moves to the next pane.', ['tab'], { hint: 'pane' }),
  ui('view.previous-pane', 'Previous pane', 'Moves to the pane before.', ['shift+tab']),
  ui('view.zoom', 'Zoom', 'Gives the pane the whole screen, or back.', ['z']),
  ui('view.filter', 'Filter', 'Rows that match: /regex, !inverse, ~fuzzy. Empty clears.', ['/'], { hint: 'filter' }),
  ui('view.copy', 'Copy row', 'Copies the row; says by which way and how many bytes.', ['y']),
  ui('view.copy-pane', 'Copy pane', 'Copies everything in the pane.', ['Y']),
  ui('view.pager', 'Open in pager', 'Hands the pane to $PAGER.', ['P']),
  ui('app.command-line', 'Command line', 'Types a command; Tab completes.', [':'], { hint: 'command' }),
  ui('app.palette', 'Palette', 'Finds any command by a few of its letters.', ['ctrl+p'], { hint: 'palette' }),
  ui('app.help', 'Help', 'Keys and commands of this screen; type to search, Enter runs.', ['?', 'f1'], {
    hint: 'help',
  }),
  ui('app.repaint', 'Repaint', 'Draws the whole screen anew.', ['ctrl+l']),
  ui('app.mouse', 'Mouse on or off', 'Releases the mouse so that the terminal can select text (or hold Shift).', ['M']),
  ui('app.suspend', 'Suspend', 'Back to the shell; fg returns.', ['ctrl+z']),
  ui('app.cancel', 'Cancel', 'Ends the running act: TERM, grace, KILL.', ['ctrl+c', 'esc']),
  ui('message.show', 'Show the whole message', 'The newest message, whole, also after it was cleared.', ['m']),
  ui('app.dismiss', 'Dismiss message', 'Clears the message line.', ['backspace']),
  command({
    id: 'app.quit',
    hint: 'quit',
    title: 'Quit',
    description: 'Leaves kx. What runs on a box goes on; an act that runs here is asked about first.',
    args: noArgs,
    keys: ['q'],
    where: 'global',
    risk: 'read',
  }),
]
