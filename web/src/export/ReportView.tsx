import { Moon, Presentation, Printer, Sun } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Contents } from "@/features/reports/Contents";
import type { FrozenReport } from "@/features/reports/frozen";
import { Present } from "@/features/reports/Present";
import { printReport } from "@/features/reports/printing";
import { ReportBody } from "@/features/reports/ReportBody";
import { figuresOf } from "@/features/reports/useShown";
import { toggleTheme, useTheme } from "@/state/theme";
import { DEFAULT_VIEW, openView } from "@/state/view";
import { formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";

export interface PageReport {
  markdown: string;
  entity: string;
  project: string;
  frozen: FrozenReport;
  /** Bytes of media and pictures: SHA-256 → the number of their block, and their type. */
  bytes?: Record<string, [number, string]>;
  /** Scripts of frames for figures, by their name: the number of their block, compressed. */
  libraries?: Record<string, number>;
}

interface ReportViewProps {
  title: string;
  exportedAt: number;
  report: PageReport;
}

/** A frozen report: its text, numbers and panels, drawn as on the server from what the page holds. */
export function ReportView({ title, exportedAt, report }: ReportViewProps) {
  const { markdown, entity, project, frozen } = report;
  const theme = useTheme((store) => store.name);
  const body = useRef<HTMLElement>(null);
  const [drawn, setDrawn] = useState(0);
  const onDrawn = useCallback(() => setDrawn((count) => count + 1), []);
  const [presenting, setPresenting] = useState(false);
  const [fresh, setFresh] = useState(false);
  useEffect(() => {
    openView(DEFAULT_VIEW);
    setFresh(true);
  }, []);
  const place = useMemo(() => ({ entity, project }), [entity, project]);
  const shown = useMemo(
    () => ({
      evaluation: frozen.evaluation,
      frozen: figuresOf(frozen.report, "page", frozen, `reports/${frozen.report}`),
      error: null,
    }),
    [frozen],
  );
  return (
    <main id="main" className={`report-page ${presenting ? "presenting" : ""}`}>
      <header className="report-head">
        <div className="report-title">
          <h1>{title}</h1>
          <span className="badge">frozen</span>
          <span className="grow" />
          <IconButton label="Present" onClick={() => setPresenting(true)}>
            <Presentation size={15} />
          </IconButton>
          <IconButton label="Print or save as PDF" onClick={() => void printReport()}>
            <Printer size={15} />
          </IconButton>
          <IconButton label="Light or dark" onClick={toggleTheme}>
            {theme === "dark" ? <Sun size={15} /> : <Moon size={15} />}
          </IconButton>
        </div>
        <p className="report-facts">
          <span>
            {entity}/{project}
          </span>
          <span>
            frozen {formatMoment(frozen.frozen_at * 1000)} by {frozen.frozen_by}: it shows what was so then
          </span>
          <span>exported {formatMoment(exportedAt * 1000)}</span>
        </p>
      </header>
      <div className="report-columns">
        <Contents body={body} drawn={drawn} />
        <article ref={body}>
          {fresh && <ReportBody markdown={markdown} place={place} shown={shown} onDrawn={onDrawn} />}
        </article>
      </div>
      {presenting && <Present body={body} drawn={drawn} title={title} onClose={() => setPresenting(false)} />}
    </main>
  );
}
