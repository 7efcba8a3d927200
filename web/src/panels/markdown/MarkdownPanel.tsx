import { lazy, Suspense } from "react";
import { PanelFrame } from "../PanelFrame";
import type { PanelProps } from "../registry";
import type { MarkdownSettings } from "./settings";
import "@/styles/plots.css";

const Markdown = lazy(() => import("@/ui/Markdown"));

/** Words between the charts. */
export default function MarkdownPanel({ settings }: PanelProps<MarkdownSettings>) {
  return (
    <PanelFrame>
      {settings.text ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        <section className="markdown-panel" tabIndex={0} aria-label="Text">
          <Suspense fallback={<pre>{settings.text}</pre>}>
            <Markdown text={settings.text} />
          </Suspense>
        </section>
      ) : (
        <p className="panel-empty">Write something in the settings.</p>
      )}
    </PanelFrame>
  );
}
