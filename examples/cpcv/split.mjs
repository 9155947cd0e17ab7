// Combinatorial purged cross-validation: which rows a split trains on, which it is tested on.

/** Every choice of `choose` out of `groups` groups, in lexicographic order: 10 choose 2 gives 45. */
export function combinations(groups, choose) {
  const found = []
  const pick = (from, chosen) => {
    if (chosen.length === choose) return void found.push(chosen)
    for (let group = from; group < groups; group++) pick(group + 1, [...chosen, group])
  }
  pick(0, [])
  return found
}

/**
 * Rows in file order are cut into equal groups. A training row is purged when it lies within `purgeRows` of a test block
 * (its label may overlap with the block's), and embargoed when it follows one within `embargoRows`.
 */
export function splitRows({ rows, groups, testGroups, purgeRows, embargoRows }) {
  const edge = (group) => Math.round((group * rows) / groups)
  const groupOf = new Int32Array(rows)
  for (let group = 0; group < groups; group++) groupOf.fill(group, edge(group), edge(group + 1))
  const isTest = (row) => testGroups.includes(groupOf[row])
  const train = []
  const test = []
  let dropped = 0
  for (let row = 0; row < rows; row++) {
    if (isTest(row)) {
      test.push(row)
      continue
    }
    const isNear = testGroups.some((group) => {
      const first = edge(group)
      const last = edge(group + 1) - 1
      return row >= first - purgeRows && row <= last + purgeRows + embargoRows
    })
    if (isNear) dropped++
    else train.push(row)
  }
  return { train, test, dropped }
}
