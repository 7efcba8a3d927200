import { Maximize2, Minimize2, SlidersHorizontal } from "lucide-react";
import { Popover } from "radix-ui";
import { type ReactNode, type Ref, Suspense, useRef } from "react";
import { IconButton } from "@/ui/IconButton";
import { useMediaQuery } from "@/ui/useMediaQuery";
import { CorrectionMark } from "./CorrectionMark";
import { type PanelExports, usePlace } from "./frame";
import { PanelMenu } from "./PanelMenu";

interface PanelFrameProps {
  ref?: Ref<HTMLElement>;
  badges?: ReactNode;
  readout?: ReactNode;
  footer?: ReactNode;
  /** What the panel can be saved as. */
  exports?: PanelExports;
  /** Menu items of the panel's own, above those that all have. */
  menu?: ReactNode;
  children: ReactNode;
}

/** The card around every panel: title, badges, what the crosshair reads, settings, menu, and by what it is moved. */
export function PanelFrame({ ref, badges, readout, footer, exports, menu, children }: PanelFrameProps) {
  const place = usePlace();
  const { name, fullScreen } = place;
  // Of a single key the section goes without saying; a title or a list of keys is read as a whole.
  const split = /^[^\s,=]+$/.test(name) ? name.indexOf("/") + 1 : 0;
  return (
    <article ref={ref} className="panel" data-panel={place.id} aria-label={name}>
      <header>
        {place.handle}
        <h3 title={name} role={place.plain ? "presentation" : undefined}>
          {split > 0 && <span>{name.slice(0, split)}</span>}
          {name.slice(split)}
        </h3>
        <CorrectionMark metrics={place.metrics} />
        {badges}
        <span className="grow" />
        {readout}
        <span className="panel-actions">
          <IconButton
            label={fullScreen ? "Close full screen" : "Full screen"}
            hint={fullScreen ? "Esc" : "Enter"}
            onClick={fullScreen ? place.onClose : place.onOpen}
          >
            {fullScreen ? <Minimize2 size={14} /> : <Maximize2 size={13} />}
          </IconButton>
          {place.settings && <SettingsButton />}
          <PanelMenu own={menu} exports={exports} />
        </span>
      </header>
      <div className="panel-body">{children}</div>
      {footer && <footer>{footer}</footer>}
      {place.corner}
    </article>
  );
}

/** Settings stand at the panel and nowhere over it, so that every change is seen as it is made. */
function SettingsButton() {
  const { name, fullScreen, settings, settingsOpen, onSettings } = usePlace();
  // On a phone nothing is beside a panel.
  const beside = !useMediaQuery("(max-width: 760px)") && !fullScreen;
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef({
    getBoundingClientRect: () => (button.current?.closest(".panel") ?? document.body).getBoundingClientRect(),
  });
  return (
    <Popover.Root open={settingsOpen} onOpenChange={onSettings}>
      <Popover.Trigger asChild>
        <button ref={button} type="button" className="icon-button" aria-label={`Settings of ${name}`}>
          <SlidersHorizontal size={13} />
        </button>
      </Popover.Trigger>
      {beside && <Popover.Anchor virtualRef={panel} />}
      <Popover.Portal>
        <Popover.Content
          className="popover panel-settings"
          side={beside ? "right" : "bottom"}
          align={beside ? "start" : "end"}
          sideOffset={8}
          collisionPadding={8}
          aria-label={`Settings of ${name}`}
        >
          <Suspense fallback={<p className="list-empty">Loading…</p>}>{settings}</Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
