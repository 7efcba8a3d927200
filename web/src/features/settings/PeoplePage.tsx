import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import {
  accountKeys,
  createInvite,
  createUser,
  editUser,
  type UserEdit,
  type UserRow,
  usersQuery,
} from "@/api/accounts";
import { sessionQuery } from "@/api/queries";
import { CopyField } from "@/ui/CopyField";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatDay, formatDuration } from "@/ui/humanize";

interface Invited {
  name: string;
  path: string;
  expires_in_s: number;
}

/** Everybody with an account, for admins. */
export function PeoplePage() {
  const users = useQuery(usersQuery);
  const session = useQuery(sessionQuery);
  const [adding, setAdding] = useState(false);
  const [invited, setInvited] = useState<Invited | null>(null);
  if (users.error) return <ErrorNote error={users.error} />;
  return (
    <section className="block" aria-label="People">
      <h2>
        People <span className="count">{users.data?.length ?? ""}</span>
        <span className="grow" />
        <button type="button" className="button primary" onClick={() => setAdding(true)}>
          <Plus size={14} />
          Invite
        </button>
      </h2>
      <ul className="rows">
        {users.data?.map((row) => (
          <User
            key={row.name}
            row={row}
            self={row.name === session.data?.user?.name}
            onInvited={setInvited}
          />
        ))}
      </ul>
      {adding && (
        <NewUserDialog
          onClose={() => setAdding(false)}
          onInvited={(next) => {
            setAdding(false);
            setInvited(next);
          }}
        />
      )}
      {invited && (
        <Dialog title={`Link for ${invited.name}`} open onClose={() => setInvited(null)}>
          <div className="dialog-body">
            <p>
              Give this to {invited.name}. It works once, within {formatDuration(invited.expires_in_s)}, and
              lets them choose a password.
            </p>
            <CopyField label="Invitation" text={new URL(invited.path, document.baseURI).href} />
          </div>
        </Dialog>
      )}
    </section>
  );
}

interface UserProps {
  row: UserRow;
  self: boolean;
  onInvited(invited: Invited): void;
}

function User({ row, self, onInvited }: UserProps) {
  const queries = useQueryClient();
  const edit = useMutation({
    mutationFn: (change: UserEdit) => editUser(row.name, change),
    onSettled: () => queries.invalidateQueries({ queryKey: accountKeys.users }),
  });
  const invite = useMutation({
    mutationFn: () => createInvite(row.name),
    onSuccess: (made) => onInvited({ name: row.name, ...made }),
  });
  const error = edit.error ?? invite.error;
  return (
    <li className={row.disabled ? "off" : ""}>
      <span className="row-main">
        <b>
          {row.display_name || row.name}
          {row.display_name && row.display_name !== row.name && <span className="muted">{row.name}</span>}
          {row.admin && <span className="chip on">admin</span>}
          {row.disabled && <span className="chip">disabled</span>}
        </b>
        <span className="muted">
          since {formatDay(row.created_at * 1000)}
          {row.has_password ? "" : " · has not signed in yet"}
        </span>
        {error && <span className="bad">{error.message}</span>}
      </span>
      <button type="button" className="button" onClick={() => invite.mutate()}>
        {row.has_password ? "Reset password" : "New link"}
      </button>
      <button
        type="button"
        className="button"
        disabled={self}
        title={self ? "Another admin has to do that." : undefined}
        onClick={() => edit.mutate({ admin: !row.admin })}
      >
        {row.admin ? "Make member" : "Make admin"}
      </button>
      <button
        type="button"
        className="button"
        disabled={self}
        title={self ? "Another admin has to do that." : undefined}
        onClick={() => edit.mutate({ disabled: !row.disabled })}
      >
        {row.disabled ? "Enable" : "Disable"}
      </button>
    </li>
  );
}

interface NewUserDialogProps {
  onClose(): void;
  onInvited(invited: Invited): void;
}

function NewUserDialog({ onClose, onInvited }: NewUserDialogProps) {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [admin, setAdmin] = useState(false);
  const create = useMutation({
    mutationFn: () => createUser({ name: name.trim(), admin, display_name: "" }),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: accountKeys.users });
      onInvited({ name: made.name, ...made.invite });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Dialog title="Invite somebody" open onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <label className="form-field">
          Name, as they will sign in
          <input
            className="text-input"
            required
            maxLength={128}
            autoCapitalize="none"
            spellCheck={false}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </label>
        <label className="check">
          <input type="checkbox" checked={admin} onChange={(event) => setAdmin(event.target.checked)} />
          May do everything on this server
        </label>
        {create.error && <p className="field-error">{create.error.message}</p>}
        <div className="row-actions">
          <button type="submit" className="button primary" disabled={create.isPending}>
            Make a link
          </button>
        </div>
      </form>
    </Dialog>
  );
}
