import { useEffect, useRef, useState } from "react";
import { heldScript, standsAlone } from "@/api/held";

/** What stands in for our page's look inside a frame, which cannot see our styles. */
export interface FrameLook {
  dark: boolean;
  surface: string;
  text: string;
  grid: string;
}

export const FRAME_LOOKS: Record<"light" | "dark", FrameLook> = {
  light: { dark: false, surface: "#ffffff", text: "#3a424c", grid: "#e4e7eb" },
  dark: { dark: true, surface: "#17191e", text: "#c3c9d1", grid: "#2b3038" },
};

/** The shell of a figure where no server has one: as there, it holds no data, and its policy is that of the page. */
const FIGURE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figure</title>
<style>html,body,#figure{height:100%;margin:0;overflow:hidden;font:13px system-ui,sans-serif}</style></head>
<body><div id="figure"></div>`;

interface SandboxFrameProps {
  shell: "html" | "plotly" | "vega";
  title: string;
  /** Sent once the frame is ready, and again when it changes. */
  message: object;
}

/**
 * Shows what somebody else wrote in a frame of an origin of its own: no token, no storage, no network.
 *
 * The frame cannot be told by its origin, which is "null" like that of any sandbox, so a message counts only if it
 * comes from the very window that was made here; and nothing in a message is ever run or put into the page as HTML.
 */
export function SandboxFrame({ shell, title, message }: SandboxFrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [ready, setReady] = useState(0);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const listen = (event: MessageEvent<unknown>) => {
      if (!frame.current || event.source !== frame.current.contentWindow) return;
      const data = event.data;
      if (typeof data !== "object" || data === null || !("type" in data)) return;
      if (data.type === "ready") setReady((count) => count + 1);
      if (shell !== "html" && data.type === "drawn") {
        setTrouble(null);
        frame.current.dataset.drawn = "traces" in data ? String(Number(data.traces)) : "1";
      }
      if (shell !== "html" && data.type === "failed") {
        setTrouble("reason" in data ? String(data.reason).slice(0, 400) : "The figure could not be drawn.");
      }
    };
    window.addEventListener("message", listen);
    return () => window.removeEventListener("message", listen);
  }, [shell]);
  useEffect(() => {
    // A sandboxed frame has no origin that could be named here; it holds nothing but what is sent to it.
    if (ready > 0) frame.current?.contentWindow?.postMessage(message, "*");
  }, [ready, message]);
  const alone = standsAlone();
  const [own, setOwn] = useState<string | null>(null);
  useEffect(() => {
    if (!alone) return;
    let current = true;
    void heldScript(shell).then((script) => {
      if (!current) return;
      if (script === null) setTrouble("What draws this is not in the exported page.");
      else setOwn(`${FIGURE}<script>${script}</script>`);
    });
    return () => {
      current = false;
    };
  }, [alone, shell]);
  if (alone && own === null) return <p className="media-note">{trouble}</p>;
  return (
    <div className="sandbox">
      <iframe
        ref={frame}
        title={title}
        {...(own === null ? { src: new URL(`frame/${shell}`, document.baseURI).href } : { srcDoc: own })}
        sandbox="allow-scripts"
        referrerPolicy="no-referrer"
        loading="lazy"
      />
      {trouble && <p className="media-trouble">{trouble}</p>}
    </div>
  );
}
