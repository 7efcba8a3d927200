import type { Place } from "@/api/pictures";
import { usePicturePaste } from "@/ui/usePicturePaste";

interface SourcePaneProps {
  markdown: string;
  place: Place;
  onChange(markdown: string): void;
}

/** The report as it is stored. */
export function SourcePane({ markdown, place, onChange }: SourcePaneProps) {
  const paste = usePicturePaste(place, onChange);
  return (
    <section className="source-pane" aria-label="Markdown">
      <textarea
        aria-label="Markdown of the report"
        spellCheck={false}
        value={markdown}
        onChange={(event) => onChange(event.target.value)}
        {...paste.handlers}
      />
      {paste.trouble && <p className="bad">{paste.trouble}</p>}
    </section>
  );
}
