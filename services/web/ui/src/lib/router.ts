// The address is the state: pages read it here and change it here, so that every view can be sent to a colleague.
import {useEffect, useState} from "preact/hooks";

export interface Place {
  path: string;
  params: URLSearchParams;
}

const CHANGED = "tip:place";

export function placeNow(): Place {
  return {path: location.pathname, params: new URLSearchParams(location.search)};
}

export function go(href: string, replace = false): void {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  dispatchEvent(new Event(CHANGED));
}

/** The address of this page with some parameters changed; empty values leave it. */
export function hrefWith(place: Place, changes: Record<string, string | string[]>): string {
  const params = new URLSearchParams(place.params);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of [value].flat()) if (one) params.append(name, one);
  }
  const query = params.toString();
  return place.path + (query ? `?${query}` : "");
}

export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  useEffect(() => {
    const update = () => setPlace(placeNow());
    addEventListener("popstate", update);
    addEventListener(CHANGED, update);
    return () => {
      removeEventListener("popstate", update);
      removeEventListener(CHANGED, update);
    };
  }, []);
  return place;
}

/** One parameter of the address, and how to change it without a new entry in the history. */
export function useParam(place: Place, name: string): [string, (value: string) => void] {
  return [place.params.get(name) ?? "", (value) => go(hrefWith(placeNow(), {[name]: value}), true)];
}

/** Plain links stay plain links; those to our own pages do not load the document again. */
export function followLinks(): void {
  addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.pathname.startsWith("/api/")) return;
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
    scrollTo(0, 0);
  });
}

export interface Match {
  page: string;
  name: string;
}

/** "/sources/drop" is page "sources" with name "drop". A name may hold slashes: networks and URLs do. */
export function matchPath(path: string): Match {
  const [, page = "", ...rest] = path.split("/");
  const raw = rest.join("/");
  try {
    return {page, name: decodeURIComponent(raw)};
  } catch {
    return {page, name: raw};
  }
}

export function indicatorHref(value: string): string {
  return `/indicator/${encodeURIComponent(value)}`;
}

export function sourceHref(name: string): string {
  return `/sources/${encodeURIComponent(name)}`;
}
