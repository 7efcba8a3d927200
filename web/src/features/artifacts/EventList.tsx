import type { EventRow } from "@/api/artifacts";
import { formatCount, formatMoment } from "@/ui/humanize";

interface EventListProps {
  events: readonly EventRow[];
  total: number;
  onMore(): void;
}

/** What was done, by whom and when, the newest first. */
export function EventList({ events, total, onMore }: EventListProps) {
  return (
    <section className="block" aria-label="History">
      <h2>History</h2>
      <ul className="rows history-rows">
        {events.map((event) => (
          <li key={`${event.at} ${event.what} ${event.text}`}>
            <span className="badge">{event.what}</span>
            <span className="row-main">
              <span>{event.text}</span>
              <span className="muted">
                {event.by}, {formatMoment(event.at * 1000)}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {events.length < total && (
        <button type="button" className="link-button" onClick={onMore}>
          Show more of {formatCount(total)}
        </button>
      )}
    </section>
  );
}
