// Server-Sent Events read from a fetch: unlike EventSource it goes on behind the last id also after an error status,
// and it hears 401.

export interface Message {
  event: string;
  id: string;
  data: string;
}

/** Feeds text in any pieces; gives each whole message. */
export function sseReader(onMessage: (message: Message) => void): (text: string) => void {
  let rest = "", event = "", id = "", data: string[] = [];
  const line = (text: string) => {
    if (text === "") {
      if (data.length) onMessage({event: event || "message", id, data: data.join("\n")});
      [event, data] = ["", []];
      return;
    }
    const colon = text.indexOf(":");
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id") id = value;
  };
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const one of lines) line(one.replace(/\r$/, ""));
  };
}

/** Until the stream ends or breaks. Gives the HTTP status, 0 when nobody answered. */
export async function follow(
  path: string, lastId: string, signal: AbortSignal, onOpen: () => void, onMessage: (message: Message) => void
): Promise<number> {
  try {
    const headers: HeadersInit = {Accept: "text/event-stream", ...(lastId ? {"Last-Event-ID": lastId} : {})};
    const response = await fetch(path, {credentials: "same-origin", cache: "no-store", headers, signal});
    if (!response.ok || !response.body) return response.status;
    onOpen();
    const feed = sseReader(onMessage);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) feed(part.value);
    return response.status;
  } catch {
    return 0;
  }
}
