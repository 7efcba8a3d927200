import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Share2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import {
  accountKeys,
  createShare,
  membersQuery,
  type RoleName,
  setMember,
  setVisibility,
  type VisibilityName,
} from "@/api/accounts";
import { sessionQuery } from "@/api/queries";
import { Choice } from "@/ui/Choice";
import { CopyField } from "@/ui/CopyField";
import { Dialog } from "@/ui/Dialog";
import { formatDay } from "@/ui/humanize";

interface ShareButtonProps {
  entity: string;
  project: string;
  /** The run to share; without one the project. */
  runKey?: string;
}

/** Who may look: members, everybody here, or whoever has a link. Absent on a server without accounts. */
export function ShareButton(props: ShareButtonProps) {
  const session = useQuery(sessionQuery);
  const [open, setOpen] = useState(false);
  if (!session.data?.user) return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Share2 size={14} />
        Share
      </button>
      {open && <ShareDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

const DAYS = [
  ["7", "one week"],
  ["30", "30 days"],
  ["365", "one year"],
] as const;

type Days = (typeof DAYS)[number][0];

function ShareDialog({ entity, project, runKey, onClose }: ShareButtonProps & { onClose(): void }) {
  return (
    <Dialog title={runKey ? "Share this run" : `Share ${entity}/${project}`} open onClose={onClose}>
      <div className="dialog-body">
        <LinkSection entity={entity} project={project} {...(runKey ? { runKey } : {})} />
        <MembersSection entity={entity} project={project} />
      </div>
    </Dialog>
  );
}

function LinkSection({ entity, project, runKey }: ShareButtonProps) {
  const queries = useQueryClient();
  const [days, setDays] = useState<Days>("30");
  const create = useMutation({
    mutationFn: () =>
      createShare({
        days: Number(days),
        ...(runKey ? { run_key: runKey } : { project: { entity, project } }),
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: accountKeys.shares }),
  });
  return (
    <section aria-label="Link">
      <h3>A link to look</h3>
      <p className="muted">
        Whoever has it can look at {runKey ? "this run" : "this project"} without an account, and at nothing
        else.
      </p>
      {create.data ? (
        <>
          <CopyField label="Share link" text={new URL(create.data.path, document.baseURI).href} />
          <p className="muted">
            Until {formatDay(create.data.expires_at * 1000)}. It is shown this once; end it under Settings →
            Share links.
          </p>
        </>
      ) : (
        <div className="form-row">
          <Choice<Days> label="Works for" value={days} options={DAYS} onChange={setDays} />
          <button
            type="button"
            className="button"
            disabled={create.isPending}
            onClick={() => create.mutate()}
          >
            Make a link
          </button>
        </div>
      )}
      {create.error && <p className="field-error">{create.error.message}</p>}
    </section>
  );
}

const VISIBILITIES = [
  ["private", "its members"],
  ["internal", "everybody with an account"],
  ["public", "everybody"],
] as const;

const ROLES = [
  ["viewer", "may look"],
  ["member", "may train and edit"],
  ["admin", "may do everything"],
] as const;

function MembersSection({ entity, project }: { entity: string; project: string }) {
  const queries = useQueryClient();
  const members = useQuery({ ...membersQuery(entity, project), retry: false });
  const settled = () => queries.invalidateQueries({ queryKey: accountKeys.members(entity, project) });
  const change = useMutation({
    mutationFn: ({ user, role }: { user: string; role: RoleName | null }) =>
      setMember(entity, project, user, role),
    onSettled: settled,
  });
  const show = useMutation({
    mutationFn: (visibility: VisibilityName) => setVisibility(entity, project, visibility),
    onSettled: settled,
  });
  const [name, setName] = useState("");
  const [role, setRole] = useState<RoleName>("member");
  if (!members.data) return null;
  const error = change.error ?? show.error;
  const add = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ user: name.trim(), role }, { onSuccess: () => setName("") });
  };
  return (
    <section aria-label="Members">
      <h3>
        The project {entity}/{project}
      </h3>
      <div className="form-row">
        <span>It can be seen by</span>
        <Choice<VisibilityName>
          label="It can be seen by"
          value={members.data.visibility}
          options={VISIBILITIES}
          onChange={show.mutate}
        />
      </div>
      <ul className="rows">
        {members.data.members.map((member) => (
          <li key={member.user}>
            <span className="row-main">
              <b>{member.display_name || member.user}</b>
              {member.display_name && member.display_name !== member.user && (
                <span className="muted">{member.user}</span>
              )}
            </span>
            <Choice<RoleName>
              label={`What ${member.user} may do`}
              value={member.role}
              options={ROLES}
              onChange={(next) => change.mutate({ user: member.user, role: next })}
            />
            <button
              type="button"
              className="button"
              onClick={() => change.mutate({ user: member.user, role: null })}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <form className="form-row" onSubmit={add}>
        <input
          className="text-input"
          aria-label="Name of a person"
          placeholder="Name"
          required
          value={name}
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setName(event.target.value)}
        />
        <Choice<RoleName> label="Role" value={role} options={ROLES} onChange={setRole} />
        <button type="submit" className="button" disabled={change.isPending}>
          Add
        </button>
      </form>
      {error && <p className="field-error">{error.message}</p>}
    </section>
  );
}
