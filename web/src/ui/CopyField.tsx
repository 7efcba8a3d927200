import { Check, Copy } from "lucide-react";
import { useState } from "react";

/** A text that is there to be copied, such as a link or a key. */
export function CopyField({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // The clipboard needs https or localhost; the text is selected instead and can be copied by hand.
      setCopied(false);
    }
  }

  return (
    <div className="copy-field">
      <input
        className="text-input mono"
        aria-label={label}
        readOnly
        value={text}
        onFocus={(event) => event.target.select()}
      />
      <button type="button" className="button" onClick={copy}>
        {copied ? <Check size={14} /> : <Copy size={14} />}
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
