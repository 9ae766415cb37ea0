// Catches a view that fell over, so that the rest of the page stays.
import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import { Notice } from "./Notice";

interface State {
  error: Error | null;
}

export class Boundary extends Component<{ children: ReactNode; resetKey: string }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override componentDidUpdate(before: { resetKey: string }): void {
    if (before.resetKey !== this.props.resetKey && this.state.error) this.setState({ error: null });
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return (
      <Notice
        tone="bad"
        title="This view failed"
        action={<Button onClick={() => this.setState({ error: null })}>Try again</Button>}
      >
        <p className="wrap-anywhere">{this.state.error.message}</p>
        <p className="mt-1 text-ink-3">The record itself is not touched by this.</p>
      </Notice>
    );
  }
}
