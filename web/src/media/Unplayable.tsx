import { Download } from "lucide-react";

interface UnplayableProps {
  url: string;
  format: string;
  label: string;
}

/** What stands in the place of a film or a recording that this browser has no decoder for. */
export function Unplayable({ url, format, label }: UnplayableProps) {
  const name = `${label.replaceAll(/[^\w.-]+/g, "-").slice(0, 100)}.${format}`;
  return (
    <div className="media-note unplayable">
      <p>This browser cannot play this {format} file; another program can.</p>
      <a className="button" href={url} download={name}>
        <Download size={14} />
        Download
      </a>
    </div>
  );
}
