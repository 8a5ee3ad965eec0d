// Calls to tip-web. Whatever goes wrong becomes a Failure with words for people.
import type {ControlAnswer, ControlRequest, Problem, Session} from "../api/schema";

export interface Failure {
  status: number; // 0: no answer at all
  title: string;
  detail: string;
}

export type Answer<T> = {ok: true; data: T} | {ok: false; failure: Failure};

const NO_ANSWER: Failure = {
  status: 0,
  title: "tip-web does not answer",
  detail: "It may be restarting, or the network between is down. This page asks again by itself.",
};

async function failureOf(response: Response): Promise<Failure> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return {
    status: response.status,
    title: problem.title ?? `The answer was ${response.status}`,
    detail: problem.detail ?? response.statusText,
  };
}

async function ask<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(path, {credentials: "same-origin", ...init});
    if (!response.ok) return {ok: false, failure: await failureOf(response)};
    return {ok: true, data: (response.status === 204 ? null : await response.json()) as T};
  } catch (error) {
    if (init.signal?.aborted) throw error;
    return {ok: false, failure: NO_ANSWER};
  }
}

function send<T>(path: string, method: string, body?: unknown): Promise<Answer<T>> {
  return ask<T>(path, {
    method,
    ...(body === undefined ? {} : {headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)}),
  });
}

export function get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  return ask<T>(path, signal ? {signal} : {});
}

export const control = (request: ControlRequest) => send<ControlAnswer>("/api/v1/control", "POST", request);
export const logIn = (token: string) => send<Session>("/api/v1/session", "POST", {token});
export const logOut = () => send<null>("/api/v1/session", "DELETE");
export const whoAmI = () => get<Session>("/api/v1/session");

/** "/api/v1/x" with parameters; empty ones are left out. */
export function apiPath(path: string, params: Record<string, string | string[] | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    for (const one of [value ?? ""].flat()) if (one) query.append(name, one);
  const text = query.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}
