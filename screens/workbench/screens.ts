import type { ScreenId } from '../../src/commands/types.ts'
import { auditModel } from '../audit/model.ts'
import { checklistsModel } from '../checklists/model.ts'
import { compareModel } from '../compare/model.ts'
import { configModel } from '../config/model.ts'
import { costModel } from '../cost/model.ts'
import { fleetModel } from '../fleet/model.ts'
import { homeModel } from '../home/model.ts'
import { launchModel } from '../launch/model.ts'
import { notebookModel } from '../notebook/model.ts'
import { patrolModel } from '../patrol/model.ts'
import { planModel } from '../plan/model.ts'
import { profilesModel } from '../profiles/model.ts'
import { recipesModel } from '../recipes/model.ts'
import { reportModel } from '../report/model.ts'
import { smokeModel } from '../smoke/model.ts'
import { teardownModel } from '../teardown/model.ts'
import type { ScreenInput } from './input.ts'
import type { ScreenModel } from './model.ts'

const models: Readonly<Record<ScreenId, (input: ScreenInput) => ScreenModel>> = {
  home: homeModel,
  plan: planModel,
  audit: auditModel,
  smoke: smokeModel,
  cost: costModel,
  launch: launchModel,
  patrol: patrolModel,
  teardown: teardownModel,
  fleet: fleetModel,
  checklists: checklistsModel,
  profiles: profilesModel,
  recipes: recipesModel,
  compare: compareModel,
  report: reportModel,
  notebook: notebookModel,
  config: configModel,
}

/** The open screen as data. */
export function screenModel(input: ScreenInput): ScreenModel {
  return models[input.screen](input)
}
