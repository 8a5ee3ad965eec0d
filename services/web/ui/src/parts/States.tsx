// What a page shows while it has nothing: waiting, an error that says what to do, or that there is nothing.
import type {ComponentChildren} from "preact";
import type {Failure} from "../lib/api";
import type {Loaded} from "../lib/useApi";

const TITLES: Record<number, string> = {
  400: "This was not understood",
  403: "Not allowed",
  404: "Not known here",
  429: "Too many requests",
  503: "The answer is out of reach",
  504: "No answer in time",
};

const ADVICE: Record<number, string> = {
  0: "Nothing is lost: this page asks again by itself.",
  400: "Check what was asked for; addresses, networks, names, URLs and host:port are understood.",
  403: "Your token does not allow this. An operator gives another one: tip web token add NAME --scope operate",
  404: "It may be gone, or spelled differently.",
  429: "Wait a minute.",
  503: "The broker or the storage is away. This page asks again by itself; the System page may know more.",
  504: "The storage is slow or away. This page asks again by itself.",
};

export function Empty({text}: {text: string}) {
  return <p class="empty">{text}</p>;
}

export function Failed({failure}: {failure: Failure}) {
  return (
    <div class="notice bad" role="alert">
      <strong>{TITLES[failure.status] ?? failure.title}</strong>
      {failure.detail && failure.detail !== failure.title && <p>{failure.detail}</p>}
      <p class="quiet">{ADVICE[failure.status] ?? "Try again; if it stays, the log of tip-web says why."}</p>
    </div>
  );
}

/** The data when it is there; a failure above old data, or alone. */
export function Show<T>({from, children}: {from: Loaded<T>; children: (data: T) => ComponentChildren}) {
  return (
    <>
      {from.failure && <Failed failure={from.failure} />}
      {from.data !== null ? children(from.data) : !from.failure && <p class="empty" role="status">Asking …</p>}
    </>
  );
}
