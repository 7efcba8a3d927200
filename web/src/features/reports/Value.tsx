import { Popover } from "radix-ui";
import type { FormulaValue } from "@/api/reports";
import { parseNumber } from "@/api/types";
import { formatCount, formatExact } from "@/ui/humanize";

interface ValueProps {
  formula: string;
  value: FormulaValue | null;
  waiting: boolean;
  /** Changes the formula; absent where the report is only read. */
  onEdit?: () => void;
}

/** A number in the text that a formula works out. Whoever asks is told how. */
export function Value({ formula, value, waiting, onEdit }: ValueProps) {
  if (!value) {
    return waiting ? (
      <span className="value waiting">…</span>
    ) : (
      <code className="value">{`{{ ${formula} }}`}</code>
    );
  }
  const { written, error, notes } = value;
  const state = error ? "wrong" : notes.length > 0 ? "noted" : "";
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        {/* biome-ignore lint/a11y/useSemanticElements: a button is a box that breaks the line; this is a word in it */}
        <span
          role="button"
          tabIndex={0}
          className={`value ${state}`}
          title={error || notes.join(" ") || formula}
          aria-label={`${error ? `{{ ${formula} }}` : written}: how this is worked out`}
          onKeyDown={(event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            event.currentTarget.click();
          }}
        >
          {error ? `{{ ${formula} }}` : written}
        </span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover value-card" sideOffset={6} collisionPadding={8}>
          <ValueCard value={value} />
          {onEdit && (
            <Popover.Close asChild>
              <button type="button" className="button small" onClick={onEdit}>
                Change the formula
              </button>
            </Popover.Close>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** How a value came about: its formula, every digit of it, and what to know. */
export function ValueCard({ value }: { value: FormulaValue }) {
  const exact = typeof value.value === "string" ? parseNumber(value.value) : (value.value ?? null);
  const spread = parseNumber(value.spread);
  return (
    <>
      <code>{value.text}</code>
      {value.error ? (
        <p className="bad">{value.error}</p>
      ) : (
        <dl>
          {exact !== null && (
            <>
              <dt>exactly</dt>
              <dd>
                {formatExact(exact)}
                {spread !== null && ` ± ${formatExact(spread)}`}
              </dd>
            </>
          )}
          <dt>runs</dt>
          <dd>
            {formatCount(value.n)} with a value
            {value.missing > 0 && `, ${formatCount(value.missing)} without`}
            {value.nonfinite > 0 && `, ${formatCount(value.nonfinite)} not finite`}
            {value.running > 0 && `, ${formatCount(value.running)} running`}
          </dd>
        </dl>
      )}
      {value.notes.map((note) => (
        <p key={note} className="muted">
          {note}
        </p>
      ))}
    </>
  );
}
