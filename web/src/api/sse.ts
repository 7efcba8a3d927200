/** One event of a text/event-stream. */
export interface ServerEvent {
  event: string;
  data: string;
}

/** Parses an event stream. It ends with the stream, and throws what reading throws. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true }).replaceAll("\r\n", "\n");
      let end = text.indexOf("\n\n");
      while (end >= 0) {
        const event = parseEvent(text.slice(0, end));
        if (event) yield event;
        text = text.slice(end + 2);
        end = text.indexOf("\n\n");
      }
    }
  } finally {
    // Without this the connection stays open when the consumer stops early.
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(block: string): ServerEvent | null {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length > 0 || event !== "message" ? { event, data: data.join("\n") } : null;
}
