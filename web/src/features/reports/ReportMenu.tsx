import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import {
  Copy,
  Download,
  Eye,
  EyeOff,
  History,
  LayoutTemplate,
  MoreHorizontal,
  Presentation,
  Printer,
  Snowflake,
  Sun,
  Trash2,
} from "lucide-react";
import { lazy, Suspense, useState } from "react";
import {
  changeReport,
  deleteReport,
  fetchReport,
  freezeReport,
  type Report,
  reportKeys,
  restoreReport,
  thawReport,
} from "@/api/reports";
import { DeleteDialog } from "@/ui/DeleteDialog";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { saveText } from "@/ui/saveText";
import { printReport } from "./printing";

const ReportHistory = lazy(() => import("./ReportHistory"));

interface ReportMenuProps {
  report: Report;
  /** It is an earlier version that is shown. */
  earlier: boolean;
  onPresent(): void;
}

/** What can be done with a report. */
export function ReportMenu({ report, earlier, onPresent }: ReportMenuProps) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"delete" | "history" | null>(null);
  const { id, entity, project, version, published, template, frozen } = report;
  const settle = () => {
    void queries.invalidateQueries({ queryKey: reportKeys.one(id) });
    void queries.invalidateQueries({ queryKey: reportKeys.list(entity, project) });
  };
  const act = useMutation({ mutationFn: (work: () => Promise<unknown>) => work(), onSettled: settle });
  const remove = useMutation({
    mutationFn: () => deleteReport(id),
    onSuccess: () => {
      settle();
      void navigate({ to: "/$entity/$project/reports", params: { entity, project }, search: {} });
    },
  });
  const error = act.error ?? remove.error;
  const change = (what: { published?: boolean; template?: boolean }) =>
    act.mutate(() => changeReport(id, { version, ...what }));
  return (
    <>
      {report.may_edit && earlier && <RestoreButton report={report} onDone={settle} />}
      {report.may_edit && !earlier && !published && (
        <button
          type="button"
          className="button primary"
          disabled={act.isPending}
          onClick={() => change({ published: true })}
        >
          Publish
        </button>
      )}
      <Menu
        trigger={
          <button type="button" className="icon-button" aria-label={`Options of ${report.title}`}>
            <MoreHorizontal size={16} />
          </button>
        }
      >
        <MenuItem icon={<Presentation size={14} />} onSelect={onPresent}>
          Present
        </MenuItem>
        <MenuItem icon={<Printer size={14} />} onSelect={() => void printReport()}>
          Print or save as PDF
        </MenuItem>
        <MenuItem
          icon={<Download size={14} />}
          onSelect={() => saveText(`${fileName(report.title)}.md`, "text/markdown", report.markdown)}
        >
          Save the Markdown
        </MenuItem>
        <MenuItem
          icon={<Copy size={14} />}
          onSelect={() => void navigator.clipboard?.writeText(location.href)}
        >
          Copy link
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<History size={14} />} onSelect={() => setAsking("history")}>
          History of edits
        </MenuItem>
        {report.may_edit && !earlier && (
          <>
            <MenuItem
              icon={<Snowflake size={14} />}
              onSelect={() => act.mutate(() => freezeReport(id, version))}
            >
              {frozen ? "Freeze as it is now" : "Freeze"}
            </MenuItem>
            {frozen && (
              <MenuItem icon={<Sun size={14} />} onSelect={() => act.mutate(() => thawReport(id, version))}>
                Show the runs as they are
              </MenuItem>
            )}
            <MenuItem
              icon={published ? <EyeOff size={14} /> : <Eye size={14} />}
              onSelect={() => change({ published: !published })}
            >
              {published ? "Make it a draft" : "Publish"}
            </MenuItem>
            <MenuItem icon={<LayoutTemplate size={14} />} onSelect={() => change({ template: !template })}>
              {template ? "No longer a template" : "Use as a template"}
            </MenuItem>
          </>
        )}
        {report.may_delete && !earlier && (
          <>
            <MenuSeparator />
            <MenuItem icon={<Trash2 size={14} />} onSelect={() => setAsking("delete")}>
              Delete…
            </MenuItem>
          </>
        )}
      </Menu>
      {act.isPending && <span className="muted">working…</span>}
      {error && (
        <span className="badge warn" role="alert">
          {error.message}
        </span>
      )}
      {asking === "history" && (
        <Suspense>
          <ReportHistory report={report} onClose={() => setAsking(null)} onChanged={settle} />
        </Suspense>
      )}
      <DeleteDialog
        title="Delete report"
        open={asking === "delete"}
        onClose={() => setAsking(null)}
        onDelete={() => {
          setAsking(null);
          remove.mutate();
        }}
      >
        <p>Delete “{report.title}” for everybody? Its comments go with it.</p>
      </DeleteDialog>
    </>
  );
}

function RestoreButton({ report, onDone }: { report: Report; onDone(): void }) {
  const navigate = useNavigate();
  const { id, entity, project, version } = report;
  const restore = useMutation({
    mutationFn: async () => {
      const now = await fetchReport(id);
      return restoreReport(id, now.version, version);
    },
    onSuccess: () => {
      onDone();
      void navigate({
        to: "/$entity/$project/reports/$report_id",
        params: { entity, project, report_id: id },
        search: {},
      });
    },
  });
  return (
    <>
      <button
        type="button"
        className="button primary"
        disabled={restore.isPending}
        onClick={() => restore.mutate()}
      >
        Restore this version
      </button>
      {restore.error && <span className="bad">{restore.error.message}</span>}
    </>
  );
}

function fileName(title: string): string {
  return title.replaceAll(/[^\w.-]+/g, "_") || "report";
}
