import { useMutation, useQuery } from "@tanstack/react-query";
import { type Correction, type CorrectionVersion, changeCorrection, versionsQuery } from "@/api/corrections";
import { Dialog } from "@/ui/Dialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatMoment } from "@/ui/humanize";

interface VersionsProps {
  row: Correction;
  onClose(): void;
  onChanged(): void;
}

/** Every version of a correction; an earlier one can be made the newest again. */
export default function Versions({ row, onClose, onChanged }: VersionsProps) {
  const versions = useQuery(versionsQuery(row.id));
  const restore = useMutation({
    mutationFn: ({ rule, note, enabled }: CorrectionVersion) =>
      changeCorrection(row.id, { version: row.version, rule, note, enabled }),
    onSuccess: onClose,
    onSettled: onChanged,
  });
  return (
    <Dialog title="Versions" open onClose={onClose}>
      <div className="dialog-body">
        {versions.error && <ErrorNote error={versions.error} />}
        <ul className="rows">
          {versions.data?.map((one) => (
            <li key={one.version}>
              <span className="row-main">
                <b>
                  {one.version}. {one.text}
                  {!one.enabled && <span className="badge">off</span>}
                </b>
                <span className="muted">
                  {one.author}, {formatMoment(one.time * 1000)}
                </span>
                {one.note && <span>{one.note}</span>}
              </span>
              {row.may_edit && one.version !== row.version && (
                <button
                  type="button"
                  className="button"
                  disabled={restore.isPending}
                  onClick={() => restore.mutate(one)}
                >
                  Restore
                </button>
              )}
            </li>
          ))}
        </ul>
        {restore.error && <ErrorLine error={restore.error} />}
      </div>
    </Dialog>
  );
}
