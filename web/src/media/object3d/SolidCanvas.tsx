import { RotateCcw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { MoleculeValue, Object3DValue } from "@/api/mediaValue";
import { useTheme } from "@/state/theme";
import { formatCount } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { useSize } from "@/ui/useSize";
import { type SolidFacts, SolidView } from "./scene";

interface SolidCanvasProps {
  value: Object3DValue | MoleculeValue;
  blob: Blob;
  label: string;
}

const TURN = Math.PI / 24;

/** A solid that can be turned with the pointer or the arrow keys. */
export default function SolidCanvas({ value, blob, label }: SolidCanvasProps) {
  const theme = useTheme((store) => store.name);
  const [host, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<SolidView | null>(null);
  const [facts, setFacts] = useState<SolidFacts | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [made, setMade] = useState(0);
  useEffect(() => {
    const node = canvas.current;
    if (!node) return;
    setFailed(null);
    let current = true;
    try {
      const next = new SolidView(node, theme);
      view.current = next;
      setMade((count) => count + 1);
      next.show(value, blob).then(
        (found) => current && setFacts(found),
        (cause: unknown) => current && setFailed(cause instanceof Error ? cause.message : String(cause)),
      );
    } catch {
      setFailed("This browser has no WebGL, which drawing in three dimensions needs.");
    }
    return () => {
      current = false;
      view.current?.destroy();
      view.current = null;
    };
  }, [value, blob, theme]);
  useEffect(() => {
    if (made > 0 && size.width > 0) view.current?.setSize(size.width, size.height);
  }, [made, size]);
  const turns: Record<string, readonly [number, number]> = {
    ArrowLeft: [-TURN, 0],
    ArrowRight: [TURN, 0],
    ArrowUp: [0, -TURN],
    ArrowDown: [0, TURN],
  };
  return (
    <div ref={host} className="solid">
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a canvas is turned by keys like an application */}
      <canvas
        ref={canvas}
        role="application"
        tabIndex={0}
        aria-label={`${label}: drag or arrow keys turn it, wheel zooms`}
        data-facts={facts ? JSON.stringify(facts) : undefined}
        onKeyDown={(event) => {
          const by = turns[event.key];
          if (!by) return;
          event.preventDefault();
          event.stopPropagation();
          view.current?.turn(...by);
        }}
      />
      {facts && (
        <span className="solid-facts">
          {[
            facts.atoms > 0 && `${formatCount(facts.atoms)} atoms`,
            facts.points > 0 && `${formatCount(facts.points)} points`,
            facts.boxes > 0 && `${formatCount(facts.boxes)} ${facts.boxes === 1 ? "box" : "boxes"}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </span>
      )}
      <IconButton label="Reset the view" className="solid-reset" onClick={() => view.current?.reset()}>
        <RotateCcw size={13} />
      </IconButton>
      {failed && <p className="media-trouble">{failed}</p>}
    </div>
  );
}
