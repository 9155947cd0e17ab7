import { describe, expect, it } from 'vitest'
import { needsSshd } from '../harness/sshd.ts'
import { faultRows } from './rows/all.ts'
import { runCase } from './rows/run-case.ts'

/** Another case each time a person changes it; the whole table is `npm run test:faults`. */
const seed = Number(process.env.KX_SEED ?? 1)

describe.skipIf(needsSshd().skip).concurrent('fault table, one case a row', () => {
  for (const row of faultRows.filter((each) => each.isInTests !== true)) {
    const why = row.cannot?.() ?? null
    it.skipIf(why !== null)(`${row.id} ${row.fault}: ${row.mustHold}`, async () => {
      const { error } = await runCase(row, seed, 'pick')
      expect(error, `again: npm run fault -- ${row.id} --seed ${seed} --pace pick`).toBeNull()
    })
  }
})
