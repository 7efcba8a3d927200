import type { ReactNode, Ref } from "react";

interface PanelFrameProps {
  ref?: Ref<HTMLElement>;
  panelKey: string;
  badges?: ReactNode;
  readout?: ReactNode;
  actions: ReactNode;
  footer?: ReactNode;
  children: ReactNode;
}

/** The card around every panel: title, badges, what the crosshair reads, actions. */
export function PanelFrame({ ref, panelKey, badges, readout, actions, footer, children }: PanelFrameProps) {
  const split = panelKey.indexOf("/") + 1;
  return (
    <article ref={ref} className="panel" data-panel={panelKey}>
      <header>
        <h3 title={panelKey}>
          {split > 0 && <span>{panelKey.slice(0, split)}</span>}
          {panelKey.slice(split)}
        </h3>
        {badges}
        <span className="grow" />
        {readout}
        <span className="panel-actions">{actions}</span>
      </header>
      <div className="panel-body">{children}</div>
      {footer && <footer>{footer}</footer>}
    </article>
  );
}
