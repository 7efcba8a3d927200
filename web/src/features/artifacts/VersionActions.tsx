import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Lock, LockOpen, MoreHorizontal, Terminal, Trash2, Trophy } from "lucide-react";
import { useState } from "react";
import { type ArtifactName, removeVersions, type VersionDetail } from "@/api/artifacts";
import { linkVersion, modelKeys, modelsQuery } from "@/api/models";
import { queryKeys } from "@/api/queries";
import { Choice } from "@/ui/Choice";
import { CopyField } from "@/ui/CopyField";
import { Dialog } from "@/ui/Dialog";
import { formatBytes } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { useVersionEdit } from "./useVersionEdit";

interface VersionActionsProps {
  artifact: ArtifactName;
  version: VersionDetail;
  mayEdit: boolean;
}

/** What can be done with a version. */
export function VersionActions({ artifact, version, mayEdit }: VersionActionsProps) {
  const [asking, setAsking] = useState<"download" | "link" | "remove" | null>(null);
  const edit = useVersionEdit(artifact, version);
  const close = () => setAsking(null);
  const there = version.removed === null;
  return (
    <>
      <Menu
        trigger={
          <IconButton label="More">
            <MoreHorizontal size={16} />
          </IconButton>
        }
      >
        <MenuItem icon={<Terminal size={14} />} onSelect={() => setAsking("download")}>
          Download all of it…
        </MenuItem>
        {mayEdit && there && (
          <>
            <MenuItem icon={<Trophy size={14} />} onSelect={() => setAsking("link")}>
              Link to a registered model…
            </MenuItem>
            <MenuItem
              icon={version.locked ? <LockOpen size={14} /> : <Lock size={14} />}
              onSelect={() => edit.mutate({ locked: !version.locked })}
            >
              {version.locked ? "Unlock" : "Lock: nothing removes it"}
            </MenuItem>
            <MenuSeparator />
            <MenuItem icon={<Trash2 size={14} />} onSelect={() => setAsking("remove")}>
              Remove…
            </MenuItem>
          </>
        )}
      </Menu>
      <Dialog title="Download" open={asking === "download"} onClose={close}>
        <div className="dialog-body">
          <p>
            In a terminal, several files at a time, each checked against its digest; what was there already is
            not sent again.
          </p>
          <CopyField
            label="Command"
            text={`treering artifact get ${artifact.entity}/${artifact.project}/${artifact.name}:v${version.version}`}
          />
        </div>
      </Dialog>
      <Dialog title="Link to a registered model" open={asking === "link"} onClose={close}>
        <LinkForm artifact={artifact} version={version} onDone={close} />
      </Dialog>
      <Dialog title={`Remove v${version.version}`} open={asking === "remove"} onClose={close}>
        <RemoveForm artifact={artifact} version={version} onDone={close} />
      </Dialog>
    </>
  );
}

interface FormProps {
  artifact: ArtifactName;
  version: VersionDetail;
  onDone(): void;
}

function LinkForm({ artifact, version, onDone }: FormProps) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const models = useQuery(modelsQuery(artifact.entity, null));
  const [chosen, setChosen] = useState("");
  const [note, setNote] = useState("");
  const mine = (models.data ?? []).filter(({ may_edit }) => may_edit);
  const id = chosen || (mine[0]?.id ?? "");
  const link = useMutation({
    mutationFn: () => linkVersion(id, { ...artifact, version: `v${version.version}`, aliases: [], note }),
    onSuccess: (model) => {
      onDone();
      void navigate({
        to: "/$entity/$project/models/$model_id",
        params: { entity: model.entity, project: model.project, model_id: model.id },
      });
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: modelKeys.all });
      void queries.invalidateQueries({ queryKey: queryKeys.project(artifact.entity, artifact.project) });
    },
  });
  if (models.data && mine.length === 0) {
    return (
      <div className="dialog-body">
        <p>There is no registered model yet. Make one on the page Models of this project.</p>
      </div>
    );
  }
  return (
    <form
      className="dialog-body"
      onSubmit={(event) => {
        event.preventDefault();
        link.mutate();
      }}
    >
      <div className="form-field">
        Model
        <Choice
          label="Model"
          value={id}
          options={mine.map((model) => [model.id, model.name] as const)}
          onChange={setChosen}
        />
      </div>
      <label className="form-field">
        Note
        <input className="text-input" value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      {link.error && (
        <p className="bad" role="alert">
          {link.error.message}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!id || link.isPending}>
          Link
        </button>
      </footer>
    </form>
  );
}

function RemoveForm({ artifact, version, onDone }: FormProps) {
  const queries = useQueryClient();
  const [why, setWhy] = useState("");
  const asked = {
    versions: [{ name: artifact.name, version: version.version }],
    why,
    with_aliases: true,
  };
  const preview = useQuery({
    queryKey: ["removal", artifact, version.version, version.revision],
    queryFn: () => removeVersions(artifact.entity, artifact.project, { ...asked, dry_run: true }),
    staleTime: 0,
  });
  const remove = useMutation({
    mutationFn: () => removeVersions(artifact.entity, artifact.project, { ...asked, dry_run: false }),
    onSuccess: onDone,
    onSettled: () =>
      queries.invalidateQueries({ queryKey: queryKeys.project(artifact.entity, artifact.project) }),
  });
  const refused = preview.data?.refused[0];
  const error = remove.error ?? preview.error;
  return (
    <div className="dialog-body">
      {refused ? (
        <p className="warn">It cannot be removed: {refused.reason}.</p>
      ) : (
        <p>
          Its bytes go; that it was, what it held and where it came from stays.
          {preview.data &&
            ` ${formatBytes(preview.data.free_bytes)} become free, since nothing else has them.`}
          {version.aliases.some((alias) => alias !== "latest") && " Its aliases go with it."}
        </p>
      )}
      <label className="form-field">
        Why
        <input className="text-input" value={why} onChange={(event) => setWhy(event.target.value)} />
      </label>
      {error && (
        <p className="bad" role="alert">
          {error.message}
        </p>
      )}
      <footer>
        <button type="button" className="button" onClick={onDone}>
          Keep
        </button>
        <button
          type="button"
          className="button danger"
          disabled={!preview.data || refused !== undefined || remove.isPending}
          onClick={() => remove.mutate()}
        >
          Remove
        </button>
      </footer>
    </div>
  );
}
