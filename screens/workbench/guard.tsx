import { Component, type ReactNode } from 'react'
import { Label, wrap } from '../../src/ui/index.ts'

interface GuardProps {
  readonly width: number
  /** A change of this tries again. */
  readonly subject: unknown
  readonly children: ReactNode
}

/**
 * Keeps a fault in drawing one pane inside that pane: the rest of the workbench goes on, keys and all. React has no other
 * form for this than a class.
 */
export class Guard extends Component<GuardProps, { readonly problem: string | null; readonly subject: unknown }> {
  override state = { problem: null as string | null, subject: this.props.subject }

  static getDerivedStateFromError(error: unknown) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }

  static getDerivedStateFromProps(props: GuardProps, state: { readonly subject: unknown }) {
    return props.subject === state.subject ? null : { problem: null, subject: props.subject }
  }

  override render() {
    const { problem } = this.state
    if (problem === null) return this.props.children
    const lines = wrap(
      `This pane could not be drawn: ${problem}. The others are right; report this as a bug of kx.`,
      this.props.width,
    )
    return lines
      .slice(0, 5)
      .map((line) => <Label key={line} text={line} width={this.props.width} token="severity.error" />)
  }
}
