import type { Preview, PreviewKey } from "@/api/corrections";
import { slotColor } from "@/charts/core/palette";
import { useTheme } from "@/state/theme";
import { formatCount, formatNumber } from "@/ui/humanize";

interface PreviewViewProps {
  preview: Preview | undefined;
  error: Error | null;
  /** What the draft lacks; null if nothing. */
  missing: string | null;
}

/** What a correction would do: how much it changes, and lines of some runs before and after. */
export function PreviewView({ preview, error, missing }: PreviewViewProps) {
  if (missing) return <p className="correction-preview list-empty">{missing}</p>;
  if (error) {
    return (
      <p className="correction-preview bad" role="alert">
        {error.message}
      </p>
    );
  }
  if (!preview) return <p className="correction-preview list-empty">Looking what it would change…</p>;
  const { runs, points, keys, keys_total, conflicts } = preview;
  return (
    <div className="correction-preview" aria-live="polite">
      <p>
        {keys_total === 0 ? (
          "No metric is called so now: it would change nothing yet."
        ) : (
          <>
            Changes <b>{points === null ? "many points" : counted(points, "point")}</b> of{" "}
            <b>{counted(runs, "run")}</b>
            {keys_total > 1 && ` in ${counted(keys_total, "metric")}`}. What was logged stays as it is.
          </>
        )}
      </p>
      {conflicts.map((text) => (
        <p key={text} className="bad" role="alert">
          {text}
        </p>
      ))}
      {keys.map((key) => (
        <BeforeAfter key={`${key.before} ${key.after}`} about={key} />
      ))}
      {keys_total > keys.length && <p className="muted">and {formatCount(keys_total - keys.length)} more</p>}
    </div>
  );
}

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}

function BeforeAfter({ about }: { about: PreviewKey }) {
  return (
    <div className="before-after">
      <Picture title="Before" name={about.before} lines={about.lines_before} />
      <Picture title="After" name={about.after} lines={about.lines_after} />
    </div>
  );
}

const WIDTH = 260;
const HEIGHT = 96;

interface PictureProps {
  title: string;
  name: string | null;
  lines: PreviewKey["lines_before"];
}

/** Lines without axes, but with the lowest and highest value: a look, not a measurement. */
function Picture({ title, name, lines }: PictureProps) {
  const theme = useTheme((store) => store.name);
  const xs = lines.flatMap((line) => line.x).filter(isFinite_);
  const ys = lines.flatMap((line) => line.y).filter(isFinite_);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const paths = lines.map((line, slot) => {
    let path = "";
    let down = false;
    line.x.forEach((x, place) => {
      const y = line.y[place];
      if (!isFinite_(x) || y === undefined || !isFinite_(y)) {
        down = false;
        return;
      }
      const at = right > left ? ((x - left) / (right - left)) * (WIDTH - 4) + 2 : WIDTH / 2;
      const up = high > low ? HEIGHT - 5 - ((y - low) / (high - low)) * (HEIGHT - 10) : HEIGHT / 2;
      path += `${down ? "L" : "M"}${at.toFixed(1)} ${up.toFixed(1)}`;
      down = true;
    });
    return <path key={line.run} d={path} stroke={slotColor(slot, theme)} />;
  });
  return (
    <figure>
      <figcaption>
        <span className="muted">{title}</span> <b>{name ?? "not shown"}</b>
      </figcaption>
      {ys.length > 0 ? (
        <>
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
            {paths}
          </svg>
          <small className="muted">
            {formatNumber(low)} to {formatNumber(high)}, steps {formatNumber(left)} to {formatNumber(right)}
          </small>
        </>
      ) : (
        <div className="no-lines">{name === null ? "hidden" : "no points to draw"}</div>
      )}
    </figure>
  );
}

// JSON has no NaN: such numbers come as texts.
function isFinite_(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
