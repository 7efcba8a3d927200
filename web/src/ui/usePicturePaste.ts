import { type ClipboardEvent, type DragEvent, useState } from "react";
import { addPicture, type Place } from "@/api/pictures";

const PICTURES = /^image\/(png|jpeg|gif|webp)$/;

/** The pictures among what was pasted or dropped. */
export function picturesIn(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter(({ type }) => PICTURES.test(type));
}

/** A picture in Markdown. */
export function pictureMarkdown(alt: string, sha256: string): string {
  return `![${alt.replaceAll(/[[\]\\]/g, "")}](picture:${sha256})`;
}

/** What a pasted picture is called until somebody says more: its file's name, if that says anything. */
export function pictureName({ name }: File): string {
  const stem = name.replace(/\.\w+$/, "");
  return stem === "image" ? "" : stem;
}

/**
 * Lets pictures be pasted and dropped into a text field of Markdown: they are sent to the server, and named at the
 * caret.
 */
export function usePicturePaste(place: Place, onChange: (text: string) => void) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const take = async (field: HTMLTextAreaElement, files: readonly File[]) => {
    const [from, to] = [field.selectionStart, field.selectionEnd];
    setBusy(true);
    try {
      const names = await Promise.all(
        files.map(async (file) => pictureMarkdown(pictureName(file), (await addPicture(place, file)).sha256)),
      );
      const text = names.join("\n\n");
      onChange(field.value.slice(0, from) + text + field.value.slice(to));
      setTrouble(null);
    } catch (cause) {
      setTrouble(cause instanceof Error ? cause.message : String(cause));
    } finally {
      setBusy(false);
    }
  };
  const onData = (
    event: ClipboardEvent<HTMLTextAreaElement> | DragEvent<HTMLTextAreaElement>,
    data: DataTransfer,
  ) => {
    const files = picturesIn(data);
    if (files.length === 0) return;
    event.preventDefault();
    void take(event.currentTarget, files);
  };
  return {
    trouble,
    busy,
    handlers: {
      onPaste: (event: ClipboardEvent<HTMLTextAreaElement>) => onData(event, event.clipboardData),
      onDrop: (event: DragEvent<HTMLTextAreaElement>) => onData(event, event.dataTransfer),
    },
  };
}
