import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Mail, MessageSquare, Pencil, Plus, Send, Webhook } from "lucide-react";
import { useState } from "react";
import {
  alertKeys,
  type Channel,
  type ChannelKind,
  changeChannel,
  channelsQuery,
  deleteChannel,
  sendAgain,
  testChannel,
} from "@/api/alerts";
import { Switch } from "@/panels/settings/fields";
import { DeleteButton } from "@/ui/DeleteDialog";
import { ErrorLine } from "@/ui/ErrorLine";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatCount, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { ChannelForm } from "./ChannelForm";

interface ChannelsProps {
  entity: string;
  project: string;
}

/** Who is told, by which way, and how that goes. */
export function Channels({ entity, project }: ChannelsProps) {
  const list = useQuery(channelsQuery(entity, project));
  const [open, setOpen] = useState<Channel | "new" | null>(null);
  if (list.error) return <ErrorNote error={list.error} />;
  const channels = list.data?.channels ?? [];
  const mayEdit = list.data?.may_edit ?? false;
  return (
    <>
      <div className="alerts-bar">
        <p className="muted">
          Addresses of webhooks are secrets: they are kept apart from the runs and never shown again.
        </p>
        <span className="grow" />
        {mayEdit && open === null && (
          <button type="button" className="button primary" onClick={() => setOpen("new")}>
            <Plus size={14} /> New channel
          </button>
        )}
      </div>
      {mayEdit && open !== null && (
        <ChannelForm
          key={open === "new" ? "new" : `${open.id} ${open.version}`}
          entity={entity}
          project={project}
          hasMail={list.data?.has_mail ?? false}
          old={open === "new" ? null : open}
          onDone={() => setOpen(null)}
        />
      )}
      {list.data && channels.length === 0 && open === null && (
        <div className="empty">
          <Send size={20} />
          <b>Nobody is told yet</b>
          <span>
            {mayEdit
              ? "Send alerts by e-mail, into a chat, or to a program of yours."
              : "An admin of the project can send alerts by e-mail, into a chat, or to a program."}
          </span>
        </div>
      )}
      {channels.length > 0 && (
        <section className="block" aria-label="Channels of this project">
          <ul className="rows">
            {channels.map((channel) => (
              <Row
                key={channel.id}
                entity={entity}
                project={project}
                channel={channel}
                mayEdit={mayEdit}
                onEdit={() => setOpen(channel)}
              />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface RowProps {
  entity: string;
  project: string;
  channel: Channel;
  mayEdit: boolean;
  onEdit(): void;
}

function Row({ entity, project, channel, mayEdit, onEdit }: RowProps) {
  const queries = useQueryClient();
  const settle = () => queries.invalidateQueries({ queryKey: alertKeys.channels(entity, project) });
  const turn = useMutation({
    mutationFn: (enabled: boolean) =>
      changeChannel(entity, project, channel.id, { version: channel.version, enabled }),
    onSettled: settle,
  });
  const remove = useMutation({
    mutationFn: () => deleteChannel(entity, project, channel.id),
    onSettled: settle,
  });
  const test = useMutation({ mutationFn: () => testChannel(entity, project, channel.id) });
  const again = useMutation({ mutationFn: () => sendAgain(entity, project, channel.id), onSettled: settle });
  const error = turn.error ?? remove.error ?? test.error ?? again.error;
  return (
    <li className={channel.enabled ? "" : "off"}>
      {mayEdit && (
        <Switch
          label={`Send to ${channel.name}`}
          checked={turn.isPending ? turn.variables : channel.enabled}
          onChange={(enabled) => turn.mutate(enabled)}
        />
      )}
      <KindMark kind={channel.kind} />
      <span className="row-main">
        <b>{channel.name}</b>
        <span className="muted">{about(channel)}</span>
        {channel.problem && (
          <span className="warn">
            {channel.problem}
            {channel.next_at !== null && ` The next try is at ${formatMoment(channel.next_at * 1000)}.`}
          </span>
        )}
        {channel.waiting > 0 && (
          <span>
            {formatCount(channel.waiting)} {channel.waiting === 1 ? "alert waits" : "alerts wait"}
            {channel.quiet_until !== null &&
              ` until ${formatMoment(channel.quiet_until * 1000)} (quiet hours)`}
            {channel.quiet_until === null &&
              !channel.problem &&
              channel.next_at !== null &&
              ` until ${formatMoment(channel.next_at * 1000)}: it had as many messages as it gets in an hour`}
          </span>
        )}
        {test.data && (
          <span className={test.data.step === "done" ? "good" : "bad"} role="status">
            {test.data.step === "done" ? "Test: " : `Test failed (${STEPS[test.data.step]}): `}
            {test.data.text}
          </span>
        )}
        {again.data && (
          <span role="status">
            {again.data.queued === 0
              ? "Nothing was given up."
              : `${formatCount(again.data.queued)} are sent once more.`}
          </span>
        )}
        {error && <ErrorLine error={error} />}
      </span>
      {mayEdit && (
        <>
          <button type="button" className="button" disabled={test.isPending} onClick={() => test.mutate()}>
            {test.isPending ? "Sending…" : "Send a test"}
          </button>
          <button type="button" className="button" disabled={again.isPending} onClick={() => again.mutate()}>
            Send again
          </button>
          <IconButton label={`Change ${channel.name}`} onClick={onEdit}>
            <Pencil size={15} />
          </IconButton>
          <DeleteButton
            label={`Delete ${channel.name}`}
            title="Delete channel"
            onDelete={() => remove.mutate()}
          >
            <p>Delete “{channel.name}”? What waits for it is not sent.</p>
          </DeleteButton>
        </>
      )}
    </li>
  );
}

const STEPS = {
  address: "address",
  name: "name",
  connect: "connection",
  tls: "certificate",
  send: "sending",
  reply: "answer",
  done: "done",
} as const;

const MARKS: Record<ChannelKind, readonly [string, typeof Mail]> = {
  email: ["E-mail", Mail],
  slack: ["Chat", MessageSquare],
  webhook: ["Webhook", Webhook],
};

function KindMark({ kind }: { kind: ChannelKind }) {
  const [name, Shape] = MARKS[kind];
  return (
    <span className="level level-info" title={name}>
      <Shape size={16} aria-hidden="true" />
      <span className="visually-hidden">{name}</span>
    </span>
  );
}

const LEAST: Record<Channel["level"], string> = {
  INFO: "all alerts",
  WARN: "warnings and errors",
  ERROR: "errors only",
};

/** Mailboxes that are named; the others are counted. */
const NAMED = 3;

function about({ shown, to, level, is_signed, quiet, last_at, enabled }: Channel): string {
  const more = to.length - NAMED;
  const where = more > 1 ? `${to.slice(0, NAMED).join(", ")} and ${more} more` : shown;
  const parts = [where, enabled ? LEAST[level] : "turned off"];
  if (is_signed) parts.push("signed");
  if (quiet)
    parts.push(`quiet ${quiet.begin}–${quiet.end} ${quiet.zone}${quiet.urgent ? " but for errors" : ""}`);
  if (last_at !== null) parts.push(`last message ${formatAge(last_at * 1000, Date.now())} ago`);
  return parts.join(" · ");
}
