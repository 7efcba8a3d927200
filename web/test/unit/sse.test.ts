import { describe, expect, it } from "vitest";
import { readEvents } from "@/api/sse";

function stream(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
}

describe("an event stream", () => {
  it("is read across chunk borders", async () => {
    const events = [];
    for await (const event of readEvents(
      stream("event: cha", 'nge\r\ndata: {"seq"', ":1}\r\n\r\nevent: ping\n\n"),
    ))
      events.push(event);

    expect(events).toEqual([
      { event: "change", data: '{"seq":1}' },
      { event: "ping", data: "" },
    ]);
  });

  it("ignores comments and unfinished events", async () => {
    const events = [];
    for await (const event of readEvents(stream(": hello\n\ndata: a\ndata: b\n\ndata: half")))
      events.push(event);

    expect(events).toEqual([{ event: "message", data: "a\nb" }]);
  });
});
