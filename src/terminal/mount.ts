import { type Instance, type RenderOptions, render } from 'ink'
import type { ReactElement } from 'react'
import type { Terminal } from './session.ts'

export interface MountedInk {
  unmount(): void
  /** Settles when everything rendered so far has reached the writer. */
  waitUntilRenderFlush(): Promise<void>
  /** Settles when the tree is gone; rejects with the error when rendering failed. */
  waitUntilExit(): Promise<unknown>
  rerender(element: ReactElement): void
}

const HOME_AND_ERASE = '\u001b[H\u001b[2J'

/**
 * Draws a React tree on the terminal. Cure B (default): Ink in debug mode hands whole frames to the sink. Cure A
 * (`KX_RENDERER=ink`): Ink's own output, repaired after each resize; the fallback when an upgrade of Ink changes the
 * seam (handbook terminal 3.4 and 3.5).
 */
export function mountInk(terminal: Terminal, element: ReactElement): MountedInk {
  const common: RenderOptions = {
    stdout: terminal.sink.asStdout(),
    stdin: terminal.inkStdin,
    interactive: true,
    patchConsole: false,
    exitOnCtrlC: false,
    isScreenReaderEnabled: false,
  }
  if (terminal.renderer === 'ink') return mountStock(terminal, element, common)
  const instance = render(element, { ...common, debug: true })
  terminal.attach({ flush: () => instance.waitUntilRenderFlush() })
  return mounted(instance, (next) => instance.rerender(next))
}

function mountStock(terminal: Terminal, element: ReactElement, common: RenderOptions): MountedInk {
  let current = element
  const instance = render(element, { ...common, incrementalRendering: true, maxFps: 60 })
  const redraw = () => {
    terminal.sink.write(HOME_AND_ERASE)
    // Ink forgets the frame it recorded; any commit then draws all of it.
    instance.clear()
    instance.rerender(current)
  }
  terminal.attach({ flush: () => instance.waitUntilRenderFlush(), redraw })
  return mounted(instance, (next) => {
    current = next
    instance.rerender(next)
  })
}

function mounted(instance: Instance, rerender: (element: ReactElement) => void): MountedInk {
  return {
    unmount: () => instance.unmount(),
    waitUntilRenderFlush: () => instance.waitUntilRenderFlush(),
    waitUntilExit: () => instance.waitUntilExit(),
    rerender,
  }
}
