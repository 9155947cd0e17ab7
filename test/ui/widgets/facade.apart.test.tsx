import { createRequire } from 'node:module'
import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'

const loaded = (name: string) =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes(`/node_modules/${name}/`))

describe('facade', () => {
  it('loads no chart library and no ink-table before one is drawn', async () => {
    const ui = await import('../../../src/ui/index.ts')
    const { lastFrame } = render(
      <ui.Screen columns={80} rows={24}>
        <ui.Lines lines={Array.from({ length: 500 }, (_, i) => `line ${i}`)} width={80} height={24} top={9999} />
      </ui.Screen>,
    )
    expect((lastFrame() ?? '').split('\n').map((l) => l.trim())).toEqual(
      Array.from({ length: 24 }, (_, i) => `line ${476 + i}`),
    )
    expect([...loaded('blessed'), ...loaded('blessed-contrib'), ...loaded('object-hash')]).toEqual([])
    // The other way round, so that this test can fail.
    await import('../../../src/ui/boxed-table.tsx')
    expect(loaded('object-hash')).not.toEqual([])
  })
})
