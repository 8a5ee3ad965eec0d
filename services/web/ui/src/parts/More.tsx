// A list that comes in pages: the first by useApi, the others by the button below.
import {useEffect, useState} from "preact/hooks";
import {apiPath, get, type Failure} from "../lib/api";
import {useApi, type Loaded} from "../lib/useApi";
import {Failed} from "./States";

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Pages<T> extends Loaded<Page<T>> {
  rows: T[];
  next: string | null;
  more: () => Promise<void>;
  moreFailure: Failure | null;
}

export function usePages<T>(path: string, params: Record<string, string> = {}, everyMs = 0): Pages<T> {
  const first = apiPath(path, params);
  const [older, setOlder] = useState<{of: string; items: T[]; next: string | null} | null>(null);
  const [moreFailure, setMoreFailure] = useState<Failure | null>(null);
  const isOurs = older?.of === first;
  const loaded = useApi<Page<T>>(first, isOurs ? 0 : everyMs); // what one reads back in does not move away
  useEffect(() => setMoreFailure(null), [first]);

  const next = isOurs ? older.next : (loaded.data?.next ?? null);
  const more = async () => {
    const answer = await get<Page<T>>(apiPath(path, {...params, cursor: next ?? ""}));
    if (!answer.ok) return setMoreFailure(answer.failure);
    setMoreFailure(null);
    setOlder({of: first, items: [...(isOurs ? older.items : []), ...answer.data.items], next: answer.data.next});
  };
  return {...loaded, rows: [...(loaded.data?.items ?? []), ...(isOurs ? older.items : [])], next, more, moreFailure};
}

export function MoreButton<T>({pages}: {pages: Pages<T>}) {
  return (
    <>
      {pages.moreFailure && <Failed failure={pages.moreFailure} />}
      {pages.next && <p><button type="button" onClick={() => void pages.more()}>More</button></p>}
    </>
  );
}

export function CsvLink({path, params = {}}: {path: string; params?: Record<string, string>}) {
  return <a class="button" href={apiPath(path, {...params, format: "csv"})} download>CSV</a>;
}
