// One GET as a hook: asked again every so often while the page can be seen; old data stays while a new answer is missing.
import {useCallback, useEffect, useRef, useState} from "preact/hooks";
import {get, type Failure} from "./api";
import {sessionEnded} from "./session";

export interface Loaded<T> {
  data: T | null;
  failure: Failure | null;
  at: number; // when data came, ms
  reload: () => void;
}

interface Kept<T> {
  path: string;
  data: T | null;
  failure: Failure | null;
  at: number;
}

export function useApi<T>(path: string, everyMs = 0): Loaded<T> {
  const [kept, setKept] = useState<Kept<T>>({path, data: null, failure: null, at: 0});
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const shown = useRef(path);
  shown.current = path;

  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const load = async () => {
      if (!document.hidden) {
        const answer = await get<T>(path, stop.signal).catch(() => null);
        if (!answer || stop.signal.aborted) return;
        if (answer.ok) setKept({path, data: answer.data, failure: null, at: Date.now()});
        else if (answer.failure.status === 401) sessionEnded();
        else setKept((old) => ({...(old.path === path ? old : {data: null, at: 0}), path, failure: answer.failure}));
        if (!answer.ok && !everyMs && answer.failure.status >= 400 && answer.failure.status < 500) return;
        if (!everyMs && answer.ok) return;
      }
      timer = window.setTimeout(load, everyMs || 3000);
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);

  const isOurs = kept.path === shown.current;
  return {data: isOurs ? kept.data : null, failure: isOurs ? kept.failure : null, at: isOurs ? kept.at : 0, reload};
}
