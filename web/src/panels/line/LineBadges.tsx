import type { ChartFacts } from "@/charts/line";
import { formatCount } from "@/ui/humanize";
import { KEY_LIMIT, type LineSettings, type Shown } from "./settings";

interface LineBadgesProps {
  settings: LineSettings;
  facts: ChartFacts;
  fullScreen: boolean;
  shown: Shown;
  onFit(fit: boolean): void;
}

/** What a glance at the picture would not tell: scales, and all that is left out. */
export function LineBadges({ settings, facts, fullScreen, shown, onFit }: LineBadgesProps) {
  const { yLog, smoothing, fit } = settings;
  return (
    <>
      {yLog && <span className="badge">log</span>}
      {smoothing > 0 && fullScreen && (
        <span className="badge" title="The values as logged are drawn faint">
          smoothed {smoothing}
        </span>
      )}
      {facts.offScale > 0 && (
        <button
          type="button"
          className="badge warn"
          title="Diverged lines are left out of the y range. Click to show all of them."
          onClick={() => onFit(true)}
        >
          {facts.offScale} off scale
        </button>
      )}
      {fit && (
        <button
          type="button"
          className="badge warn"
          title="Leave diverged lines out of the y range again."
          onClick={() => onFit(false)}
        >
          fits all
        </button>
      )}
      {facts.notPositive > 0 && (
        <span className="badge" title="A log axis has no place for values of zero and below.">
          {facts.notPositive} ≤ 0 hidden
        </span>
      )}
      {shown.left > 0 && (
        <span className="badge warn" title="A panel draws so many of the metrics that match its pattern.">
          first {KEY_LIMIT} of {formatCount(KEY_LIMIT + shown.left)} metrics
        </span>
      )}
    </>
  );
}
