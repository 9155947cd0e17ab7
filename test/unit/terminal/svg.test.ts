import { expect, it } from 'vitest'
import { Emulator } from '../../harness/emulator.ts'
import { screenToSvg, screenToText } from '../../harness/svg.ts'

it('draws text, colours and attributes of a screen, and escapes what XML would read', async () => {
  const emulator = new Emulator(12, 3)
  emulator.write('a<b>&c\r\n\u001b[1;31mred\u001b[0m \u001b[7minv\u001b[0m\r\n漢│')
  await emulator.settled()
  const svg = screenToSvg(emulator, 'a & b')
  expect(svg).toContain('<title>a &amp; b</title>')
  expect(svg).toContain('a&lt;b&gt;&amp;c')
  expect(svg).toMatch(/fill="#e06c75" style="font-weight:bold"[^>]*>red</)
  expect(svg).toContain('漢')
  expect(svg.match(/<rect /g)).toHaveLength(2)
  expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  expect(screenToText(emulator)).toBe('a<b>&c\nred inv\n漢│\n')
  emulator.terminal.dispose()
})
