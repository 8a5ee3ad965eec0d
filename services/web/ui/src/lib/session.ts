// Who is logged in. The token itself is never kept here: the cookie is HttpOnly.
import {useEffect, useState} from "preact/hooks";
import type {Session} from "../api/schema";
import {whoAmI} from "./api";

const ENDED = "tip:session-ended";

export type SessionState = "asking" | "none" | Session;

export function sessionEnded(): void {
  dispatchEvent(new Event(ENDED));
}

export function canOperate(session: SessionState): boolean {
  return typeof session === "object" && session.scopes.includes("operate");
}

/** A one-time link is `/login#t=…`: what stands behind # never leaves the browser, so it is in no log. */
export function tokenOfHash(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, "")).get("t") ?? "";
}

export function useSession(): [SessionState, (session: SessionState) => void] {
  const [session, setSession] = useState<SessionState>("asking");
  useEffect(() => {
    let timer = 0;
    const ask = async () => {
      const answer = await whoAmI();
      if (answer.ok) setSession(answer.data);
      else if (answer.failure.status === 0 || answer.failure.status >= 500) timer = window.setTimeout(ask, 2000);
      else setSession("none");
    };
    const end = () => setSession("none");
    addEventListener(ENDED, end);
    void ask();
    return () => {
      clearTimeout(timer);
      removeEventListener(ENDED, end);
    };
  }, []);
  return [session, setSession];
}
