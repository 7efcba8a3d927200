import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ArtifactName, VersionDetail } from "@/api/artifacts";
import { parseNumber } from "@/api/types";
import { CopyButton } from "@/ui/CopyButton";
import { formatBytes, formatCount, formatMoment, formatNumber } from "@/ui/humanize";
import { flatten } from "../run/flatten";
import { ValueTable } from "../run/ValueTable";
import { Description } from "./Description";
import { NameChips } from "./NameChips";
import { useVersionEdit } from "./useVersionEdit";
import { usageCode } from "./words";

interface VersionOverviewProps {
  artifact: ArtifactName;
  version: VersionDetail;
  mayEdit: boolean;
}

/** What a version is, where it came from, and what people say of it. */
export function VersionOverview({ artifact, version, mayEdit }: VersionOverviewProps) {
  const edit = useVersionEdit(artifact, version);
  const editable = mayEdit && version.removed === null;
  const code = usageCode(artifact, `v${version.version}`);
  return (
    <div className="overview">
      <div className="columns">
        <div>
          <section className="block" aria-label="Names">
            <dl className="facts">
              <Fact name="aliases">
                <NameChips
                  what="alias"
                  names={version.aliases}
                  fixed={["latest"]}
                  mayEdit={editable}
                  onAdd={(alias) => edit.mutate({ add_aliases: [alias] })}
                  onRemove={(alias) => edit.mutate({ remove_aliases: [alias] })}
                />
              </Fact>
              <Fact name="tags">
                <NameChips
                  what="tag"
                  names={version.tags}
                  mayEdit={editable}
                  onAdd={(tag) => edit.mutate({ tags: [...version.tags, tag] })}
                  onRemove={(tag) => edit.mutate({ tags: version.tags.filter((one) => one !== tag) })}
                />
              </Fact>
            </dl>
            {edit.error && (
              <p className="bad" role="alert">
                {edit.error.message}
              </p>
            )}
          </section>
          <Facts artifact={artifact} version={version} />
          <Description
            label="Description"
            text={version.description}
            mayEdit={editable}
            onSave={(description) => edit.mutate({ description })}
          />
          <section className="block" aria-label="Use it">
            <h2>
              Use it
              <span className="grow" />
              <CopyButton label="Copy the code" text={code} />
            </h2>
            <pre className="example">{code}</pre>
          </section>
        </div>
        <div>
          <Values version={version} />
          <ValueTable title="Metadata" entries={flatten(version.metadata)} empty="It has no metadata." />
        </div>
      </div>
    </div>
  );
}

function Facts({ artifact, version }: { artifact: ArtifactName; version: VersionDetail }) {
  const others = version.also_logged_by;
  return (
    <section className="block" aria-label="Facts">
      <dl className="facts">
        <Fact name="made by">
          {version.run ? (
            <>
              <RunLink runKey={version.run.run_key} name={version.run.name} />
              {version.step !== null && <span className="muted"> at step {formatCount(version.step)}</span>}
            </>
          ) : (
            <span className="muted">a run that is gone, or that you may not see</span>
          )}
        </Fact>
        {others.length > 0 && (
          <Fact name="also by">
            {others.map(({ run_key, name }) => (
              <span key={run_key} className="family-run">
                <RunLink runKey={run_key} name={name} />
              </span>
            ))}
            <small className="muted">logged equal content later; nothing was stored twice</small>
          </Fact>
        )}
        <Fact name="used by">
          {version.used_by === 0 ? (
            <span className="muted">no run</span>
          ) : (
            `${formatCount(version.used_by)} ${version.used_by === 1 ? "run" : "runs"}`
          )}
        </Fact>
        {version.models.length > 0 && (
          <Fact name="models">
            {version.models.map((one) => (
              <Link
                key={`${one.model_id} ${one.number}`}
                className="family-run link"
                to="/$entity/$project/models/$model_id"
                params={{ entity: artifact.entity, project: artifact.project, model_id: one.model_id }}
              >
                {one.model} v{one.number}
                {one.aliases.length > 0 && ` (${one.aliases.join(", ")})`}
              </Link>
            ))}
          </Fact>
        )}
        <Fact name="content">
          {formatCount(version.files)} {version.files === 1 ? "file" : "files"}, {formatBytes(version.bytes)}
        </Fact>
        <Fact name="logged">{formatMoment(version.created_at * 1000)}</Fact>
        <Fact name="digest">
          <code className="digest">{version.digest}</code>
          <CopyButton label="Copy the digest" text={version.digest} />
        </Fact>
        {version.expires_at !== null && !version.removed && (
          <Fact name="kept until">{formatMoment(version.expires_at * 1000)}</Fact>
        )}
        {version.protected.length > 0 && (
          <Fact name="protected">
            <span title="No rule of retention removes it.">{version.protected.join(", ")}</span>
          </Fact>
        )}
      </dl>
    </section>
  );
}

/** What the run's metrics were when it logged this version. */
function Values({ version }: { version: VersionDetail }) {
  const entries = Object.entries(version.values).map(([key, wire]) => {
    const value = parseNumber(wire);
    return [key, value === null ? "–" : formatNumber(value)] as const;
  });
  if (entries.length === 0) return null;
  return <ValueTable title="Metrics then" entries={entries} empty="" />;
}

function RunLink({ runKey, name }: { runKey: string; name: string }) {
  return (
    <Link className="link" to="/r/$run_key" params={{ run_key: runKey }}>
      {name}
    </Link>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
