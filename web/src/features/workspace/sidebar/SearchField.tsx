import { Search } from "lucide-react";
import type { ApiError } from "@/api/error";
import { changeView, useView } from "@/state/view";

/** Search over name, id, tags and notes. */
export function SearchField({ error }: { error: ApiError | null }) {
  const text = useView((view) => view.runSearch);
  const regex = useView((view) => view.runRegex);
  const broken = error?.code === "invalid_value" && regex && text !== "";
  return (
    <div className={`field ${broken ? "bad" : ""}`}>
      <Search size={14} aria-hidden="true" />
      <input
        type="search"
        placeholder="Search runs"
        aria-label="Search runs"
        aria-invalid={broken}
        value={text}
        onChange={(event) => changeView({ runSearch: event.target.value })}
      />
      <button
        type="button"
        className="regex"
        aria-pressed={regex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => changeView({ runRegex: !regex })}
      >
        .*
      </button>
    </div>
  );
}
