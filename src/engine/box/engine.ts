import type { Engine } from '../types.ts'
import { cancelBox } from './cancel.ts'
import { findInBox } from './find.ts'
import { boxLog } from './log.ts'
import { boxStatus } from './status.ts'
import { submitToBox } from './submit.ts'

/** One machine as an engine: a runner script on the box keeps the units going, with kx gone. */
export const boxEngine: Engine = {
  name: 'box',
  submit: submitToBox,
  find: findInBox,
  status: boxStatus,
  log: boxLog,
  cancel: cancelBox,
}
