import { ListFilter, X } from "lucide-react";
import { useEffect, useState } from "react";
import type { ApiError } from "@/api/error";
import { changeView, useView } from "@/state/view";

/** The filter in the server's language. It is applied on Enter or when the field is left, not at each letter. */
export function FilterField({ error }: { error: ApiError | null }) {
  const applied = useView((view) => view.filter);
  const [text, setText] = useState(applied);
  useEffect(() => setText(applied), [applied]);
  const apply = () => text !== applied && changeView({ filter: text.trim() });
  const broken = error?.code === "invalid_filter";
  return (
    <div>
      <div className={`field ${broken ? "bad" : ""} ${applied && !broken ? "active" : ""}`}>
        <ListFilter size={14} aria-hidden="true" />
        <input
          id="run-filter"
          placeholder='Filter, e.g. state = "failed"'
          aria-label="Filter runs"
          aria-invalid={broken}
          aria-describedby={broken ? "filter-error" : undefined}
          title={
            'Examples: config.lr >= 1e-3 · tags has "baseline" · metric.val/loss.min < 2 · state = "running" and name ~ "^vit"'
          }
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onBlur={apply}
          onKeyDown={(event) => event.key === "Enter" && apply()}
        />
        {text !== "" && (
          <button
            type="button"
            className="clear"
            aria-label="Clear filter"
            onClick={() => changeView({ filter: "" })}
          >
            <X size={13} />
          </button>
        )}
      </div>
      {broken && (
        <p className="field-error" id="filter-error" role="alert">
          {error.message}
          {error.hint && <span> {error.hint}</span>}
        </p>
      )}
    </div>
  );
}
