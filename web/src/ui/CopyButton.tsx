import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./IconButton";

/** Puts a text into the clipboard. */
export function CopyButton({ label, text }: { label: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      setCopied(false); // the clipboard needs https or localhost
    }
  };
  return (
    <IconButton label={copied ? "Copied" : label} className="copy-button" onClick={() => void copy()}>
      {copied ? <Check size={13} /> : <Copy size={13} />}
    </IconButton>
  );
}
