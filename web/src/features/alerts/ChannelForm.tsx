import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import {
  type AlertLevel,
  alertKeys,
  type Channel,
  type ChannelBody,
  type ChannelKind,
  changeChannel,
  createChannel,
} from "@/api/alerts";
import { Switch } from "@/panels/settings/fields";
import { Choice } from "@/ui/Choice";
import { ErrorLine } from "@/ui/ErrorLine";
import { Field } from "@/ui/FormField";
import { Segmented } from "@/ui/Segmented";

interface ChannelFormProps {
  entity: string;
  project: string;
  /** Whether the server can send mail. */
  hasMail: boolean;
  old: Channel | null;
  onDone(): void;
}

const KINDS = [
  ["slack", "Chat (Slack-compatible)"],
  ["email", "E-mail"],
  ["webhook", "Webhook"],
] as const;

const LEVELS: readonly (readonly [AlertLevel, string])[] = [
  ["INFO", "All alerts"],
  ["WARN", "Warnings and errors"],
  ["ERROR", "Errors only"],
];

const ADDRESSES: Record<ChannelKind, string> = {
  slack: "https://hooks.slack.com/services/…",
  email: "",
  webhook: "https://example.org/alerts",
};

interface Draft {
  kind: ChannelKind;
  name: string;
  level: AlertLevel;
  to: string;
  url: string;
  secret: string;
  isQuiet: boolean;
  begin: string;
  end: string;
  zone: string;
  weekend: boolean;
  urgent: boolean;
}

function draftOf(old: Channel | null): Draft {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return {
    kind: old?.kind ?? "slack",
    name: old?.name ?? "",
    level: old?.level ?? "INFO",
    to: old?.to.join("\n") ?? "",
    url: "",
    secret: "",
    isQuiet: Boolean(old?.quiet),
    begin: old?.quiet?.begin ?? "22:00",
    end: old?.quiet?.end ?? "07:00",
    zone: old?.quiet?.zone ?? zone,
    weekend: old?.quiet?.days.length === 2,
    urgent: old?.quiet?.urgent ?? true,
  };
}

/** A new channel, or changes to one; its address and its secret stay as they are while nothing is typed. */
export function ChannelForm({ entity, project, hasMail, old, onDone }: ChannelFormProps) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => draftOf(old));
  const change = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const save = useMutation({
    mutationFn: () => {
      const body = bodyOf(draft, old);
      return old
        ? changeChannel(entity, project, old.id, { ...body, version: old.version })
        : createChannel(entity, project, { ...body, kind: draft.kind });
    },
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: alertKeys.channels(entity, project) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const isMail = draft.kind === "email";
  const lacks = !draft.name.trim() || (isMail ? !draft.to.trim() : !old && !draft.url.trim());
  return (
    <section className="block correction-form" aria-label={old ? "Change a channel" : "New channel"}>
      <h2>{old ? `Change ${old.name}` : "New channel"}</h2>
      <form onSubmit={submit}>
        {!old && (
          <Segmented label="Kind" value={draft.kind} options={KINDS} onChange={(kind) => change({ kind })} />
        )}
        <Field label="Name">
          <input
            className="text-input"
            value={draft.name}
            maxLength={128}
            placeholder={isMail ? "the team" : "#training"}
            onChange={(event) => change({ name: event.target.value })}
          />
        </Field>
        {isMail ? (
          <Field label="Addresses, a line each">
            <textarea
              className="text-input"
              rows={3}
              value={draft.to}
              spellCheck={false}
              onChange={(event) => change({ to: event.target.value })}
            />
          </Field>
        ) : (
          <Field label="Address" hint={old ? `Now ${old.shown}. Leave it empty to keep it.` : undefined}>
            <input
              className="text-input mono"
              value={draft.url}
              placeholder={ADDRESSES[draft.kind]}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => change({ url: event.target.value })}
            />
          </Field>
        )}
        {draft.kind === "webhook" && (
          <Field
            label="Secret to sign with"
            hint={
              old?.is_signed
                ? "Leave it empty to keep the one that is set."
                : "Messages carry HMAC-SHA256 of time and body, so that the other side knows who sent them."
            }
          >
            <input
              className="text-input mono"
              type="password"
              value={draft.secret}
              autoComplete="new-password"
              onChange={(event) => change({ secret: event.target.value })}
            />
          </Field>
        )}
        <Field label="Sends">
          <Choice
            label="Sends"
            value={draft.level}
            options={LEVELS}
            onChange={(level) => change({ level })}
          />
        </Field>
        <span className="channel-state">
          <Switch label="Quiet hours" checked={draft.isQuiet} onChange={(isQuiet) => change({ isQuiet })} />
          Quiet hours: what is raised meanwhile comes in one message
        </span>
        {draft.isQuiet && <QuietFields draft={draft} change={change} />}
        {isMail && !hasMail && (
          <p className="warn">
            This server sends no mail yet: whoever runs it sets <code>TREERING_SMTP_URL</code>.
          </p>
        )}
        {save.error && <ErrorLine error={save.error} />}
        <footer>
          <button type="button" className="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={lacks || save.isPending}>
            Save
          </button>
        </footer>
      </form>
      <div className="correction-preview">
        <p>{ABOUT[draft.kind]}</p>
      </div>
    </section>
  );
}

const ABOUT: Record<ChannelKind, string> = {
  slack:
    "Any chat that takes Slack's incoming webhooks: Slack, Mattermost, Rocket.Chat, Zulip, Discord (its address with /slack behind it).",
  email:
    "Plain text, by the SMTP server of whoever runs this server. One mail for alerts that come together.",
  webhook:
    "JSON by POST: event, and the alerts with run, metric, step and value. X-Treering-Signature is sha256= and the HMAC of X-Treering-Timestamp, a dot and the body.",
};

function QuietFields({ draft, change }: { draft: Draft; change(part: Partial<Draft>): void }) {
  return (
    <>
      <div className="form-row">
        <Field label="from">
          <input
            className="text-input"
            type="time"
            value={draft.begin}
            onChange={(event) => change({ begin: event.target.value })}
          />
        </Field>
        <Field label="to">
          <input
            className="text-input"
            type="time"
            value={draft.end}
            onChange={(event) => change({ end: event.target.value })}
          />
        </Field>
        <Field label="time zone">
          <input
            className="text-input"
            value={draft.zone}
            spellCheck={false}
            onChange={(event) => change({ zone: event.target.value })}
          />
        </Field>
      </div>
      <span className="check-list">
        <label>
          <input
            type="checkbox"
            checked={draft.weekend}
            onChange={(event) => change({ weekend: event.target.checked })}
          />
          at weekends only
        </label>
        <label>
          <input
            type="checkbox"
            checked={draft.urgent}
            onChange={(event) => change({ urgent: event.target.checked })}
          />
          errors come anyway
        </label>
      </span>
    </>
  );
}

const WEEKEND = [5, 6];

function bodyOf(draft: Draft, old: Channel | null): ChannelBody {
  const { begin, end, urgent } = draft;
  const zone = draft.zone.trim();
  const quiet = draft.isQuiet
    ? { begin, end, zone, urgent, days: draft.weekend ? WEEKEND : [] }
    : ("none" as const);
  const body: ChannelBody = { name: draft.name.trim(), level: draft.level, quiet };
  if (draft.kind === "email") {
    body.to = draft.to
      .split(/[\n,;]/)
      .map((one) => one.trim())
      .filter(Boolean);
  } else if (draft.url.trim() || !old) {
    body.url = draft.url.trim();
  }
  if (draft.kind === "webhook" && draft.secret) body.secret = draft.secret;
  return body;
}
