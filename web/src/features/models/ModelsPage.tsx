import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, Plus } from "lucide-react";
import { useState } from "react";
import { type ModelRow, modelsQuery } from "@/api/models";
import { Dialog } from "@/ui/Dialog";
import { ErrorNote } from "@/ui/ErrorNote";
import { formatAge, formatCount } from "@/ui/humanize";
import { useTitle } from "@/ui/useTitle";
import { AliasChips } from "../artifacts/AliasChips";
import { ModelForm } from "./ModelForm";
import "@/styles/artifacts.css";

interface ModelsPageProps {
  entity: string;
  project: string;
}

/** The registered models that this project decides about. */
export function ModelsPage({ entity, project }: ModelsPageProps) {
  useTitle(`Models of ${project}`);
  const [making, setMaking] = useState(false);
  const found = useQuery(modelsQuery(entity, project));
  if (found.error) return <ErrorNote error={found.error} />;
  const models = found.data;
  return (
    <main id="main" className="page" aria-busy={!models}>
      <header className="page-head">
        <h1>Models</h1>
        <span className="grow" />
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          <Plus size={14} /> New model
        </button>
      </header>
      {models?.length === 0 && (
        <div className="empty">
          <Boxes size={20} />
          <b>No registered models yet</b>
          <span>
            A registered model is a name that others build on. Versions of artifacts become its versions; an
            alias such as <code>production</code> says which one counts, who said so, when and why.
          </span>
        </div>
      )}
      {models && models.length > 0 && <ModelTable models={models} />}
      <Dialog title="New model" open={making} onClose={() => setMaking(false)}>
        <ModelForm entity={entity} project={project} old={null} onDone={() => setMaking(false)} />
      </Dialog>
    </main>
  );
}

function ModelTable({ models }: { models: readonly ModelRow[] }) {
  const now = Date.now();
  return (
    <section className="block table-scroll" aria-label="Models">
      <table className="plain-table artifact-table">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Aliases</th>
            <th scope="col">Checks</th>
            <th scope="col" className="number">
              Versions
            </th>
            <th scope="col" className="number">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr key={model.id}>
              <th scope="row" className="wide">
                <Link
                  className="row-link"
                  to="/$entity/$project/models/$model_id"
                  params={{ entity: model.entity, project: model.project, model_id: model.id }}
                >
                  {model.name}
                </Link>
                {model.description && <small className="muted clamp">{model.description}</small>}
              </th>
              <td>
                <AliasChips
                  aliases={Object.entries(model.aliases).map(([alias, number]) => `${alias} v${number}`)}
                />
              </td>
              <td>
                {model.checks.length === 0 ? (
                  <span className="muted">none</span>
                ) : (
                  <code className="clamp">{model.checks.join("; ")}</code>
                )}
              </td>
              <td className="number">{formatCount(model.versions)}</td>
              <td className="number">{formatAge(model.updated_at * 1000, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
