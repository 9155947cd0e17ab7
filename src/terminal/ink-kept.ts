import type { FrameOutput, Step, Transformer } from './ink-frame.ts'

/** What this module uses of a node of Ink's tree. */
interface InkNode {
  readonly nodeName: string
  readonly parentNode?: InkNode | undefined
  readonly yogaNode?:
    | {
        getComputedLeft(): number
        getComputedTop(): number
        getComputedWidth(): number
        getComputedHeight(): number
      }
    | undefined
  kxDrawn?: Drawn | undefined
}

/** The steps that drew a node and all below it, and where it then stood. */
interface Drawn {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly steps: readonly Step[]
}

interface DrawOptions {
  readonly offsetX?: number
  readonly offsetY?: number
  readonly transformers?: readonly Transformer[]
}

type Draw = (node: InkNode, output: FrameOutput, options: DrawOptions) => void

/**
 * Draws a node as Ink does, or repeats the steps of the last time where nothing at or below it was changed since and
 * it stands where it stood, in the size that it had. The build puts this around Ink's walk through its tree.
 */
export function drawKept(node: InkNode, output: FrameOutput, options: DrawOptions, draw: Draw): void {
  const { yogaNode } = node
  // Below a transformer the steps carry it: it may be another one the next time.
  if (yogaNode === undefined || node.nodeName === 'ink-root' || (options.transformers?.length ?? 0) > 0)
    return draw(node, output, options)
  const left = (options.offsetX ?? 0) + yogaNode.getComputedLeft()
  const top = (options.offsetY ?? 0) + yogaNode.getComputedTop()
  const width = yogaNode.getComputedWidth()
  const height = yogaNode.getComputedHeight()
  const before = node.kxDrawn
  if (
    before !== undefined &&
    before.left === left &&
    before.top === top &&
    before.width === width &&
    before.height === height
  )
    return output.repeat(before.steps)
  const mark = output.count
  draw(node, output, options)
  node.kxDrawn = { left, top, width, height, steps: output.since(mark) }
}

/** A node changed: it and all around it is drawn anew. The build puts this into whatever changes Ink's tree. */
export function touch(node: InkNode | undefined): void {
  for (let at = node; at !== undefined && at !== null; at = at.parentNode) at.kxDrawn = undefined
}
