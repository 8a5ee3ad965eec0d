// The live stream as a hook: what came, newest first; holding while paused; saying when something was missed.
import {useEffect, useRef, useState} from "preact/hooks";
import type {Gap, Overview, Record as Wire} from "../api/schema";
import {apiPath, get} from "./api";
import {entryOf, type Entry} from "./record";
import {sessionEnded} from "./session";
import {follow, type Message} from "./sse";

export type Item = {type: "record"; entry: Entry} | {type: "gap"; gap: Gap; at: string};
export type Link = "connecting" | "live" | "waiting";

export interface Live {
  items: Item[];
  held: number; // came while paused, not shown yet
  link: Link;
}

const BACK = 200; // events from before the page opened
const SHOWN_MAX = 300;
const HELD_MAX = 1000;
const PAINT_MS = 200;
const WAITS_MS = [500, 1000, 2000, 4000, 8000];

function itemOf(message: Message): Item | null {
  if (message.event === "gap") return {type: "gap", gap: JSON.parse(message.data) as Gap, at: new Date().toISOString()};
  return message.event === "record" ? {type: "record", entry: entryOf(JSON.parse(message.data) as Wire)} : null;
}

/** The id to begin behind, so that a page does not begin empty; "": with what comes. */
async function startId(stop: AbortSignal): Promise<string> {
  const answer = await get<Overview>("/api/v1/overview", stop).catch(() => null);
  return answer?.ok && answer.data.journal_id ? `${answer.data.journal_id}:${Math.max(0, answer.data.head_seq - BACK)}` : "";
}

/** Connects until stopped, each time behind the last id it saw. A gap before the first record is only the start being too far back. */
async function keepFollowing(path: string, stop: AbortSignal, onLink: (link: Link) => void, onItem: (item: Item) => void) {
  let lastId = await startId(stop), failures = 0, hasBegun = false;
  while (!stop.aborted) {
    const status = await follow(path, lastId, stop, () => { failures = 0; onLink("live"); }, (message) => {
      lastId = message.id || lastId;
      const item = itemOf(message);
      if (item && (hasBegun || item.type !== "gap")) onItem(item);
      hasBegun ||= item !== null || message.event === "head";
    });
    if (stop.aborted) return;
    if (status === 401) return sessionEnded();
    onLink("waiting");
    const wait = WAITS_MS[Math.min(failures++, WAITS_MS.length - 1)];
    await new Promise((done) => setTimeout(done, wait));
  }
}

export function useEvents(prefixes: string[], isPaused: boolean): Live {
  const [live, setLive] = useState<Live>({items: [], held: 0, link: "connecting"});
  const waiting = useRef<Item[]>([]);
  const path = apiPath("events", {prefix: prefixes});

  useEffect(() => {
    const stop = new AbortController();
    waiting.current = [];
    setLive({items: [], held: 0, link: "connecting"});
    void keepFollowing(path, stop.signal, (link) => setLive((old) => ({...old, link})), (item) => {
      waiting.current.unshift(item);
      waiting.current.length = Math.min(waiting.current.length, HELD_MAX);
    });
    return () => stop.abort();
  }, [path]);

  useEffect(() => {
    const paint = () => setLive((old) => {
      const held = waiting.current.length;
      if (held === 0 || isPaused) return held === old.held ? old : {...old, held};
      const items = [...waiting.current, ...old.items].slice(0, SHOWN_MAX);
      waiting.current = [];
      return {...old, items, held: 0};
    });
    paint();
    const timer = setInterval(paint, PAINT_MS);
    return () => clearInterval(timer);
  }, [path, isPaused]);

  return live;
}
