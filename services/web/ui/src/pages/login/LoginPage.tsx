// The door: a token, or a one-time link whose secret stands behind #, where no server log sees it.
import {useEffect, useState} from "preact/hooks";
import type {Session} from "../../api/schema";
import {logIn, type Failure} from "../../lib/api";
import {go, type Place} from "../../lib/router";
import {tokenOfHash} from "../../lib/session";

interface Props {
  place: Place;
  onSession: (session: Session) => void;
}

const FAILED: Record<number, string> = {
  401: "This token is not known, has expired, or was a one-time link that has been used.",
  429: "Too many attempts. Wait a minute, then try again.",
};

function Refused({failure}: {failure: Failure}) {
  return (
    <div class="notice bad" role="alert">
      <strong>Not logged in.</strong>
      <p>{FAILED[failure.status] ?? `${failure.title}. ${failure.detail}`}</p>
    </div>
  );
}

export function LoginPage({place, onSession}: Props) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isAsking, setAsking] = useState(false);

  const enter = async (token: string) => {
    setAsking(true);
    const answer = await logIn(token.trim());
    setAsking(false);
    if (!answer.ok) return setFailure(answer.failure);
    onSession(answer.data);
    if (place.path === "/login") go("/", true);
  };
  useEffect(() => {
    document.title = "Log in · TIP";
    const token = tokenOfHash(location.hash);
    if (!token) return;
    history.replaceState(null, "", "/login"); // the secret leaves the address before anything else happens
    void enter(token);
  }, []);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void enter(String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? ""));
  };
  return (
    <main class="alone">
      <p class="brand"><img src="/icon.svg" alt="" width={40} height={40} /><span>TIP</span></p>
      <h1>Log in</h1>
      {failure && <Refused failure={failure} />}
      <form onSubmit={submit} class="stack">
        <label>Token
          <input name="token" type="password" required autocomplete="current-password" autofocus />
        </label>
        <button type="submit" class="main" disabled={isAsking}>{isAsking ? "Asking …" : "Log in"}</button>
      </form>
      <p class="quiet">No token? On the machine of tip-web: <code>tip web token add NAME --scope read</code>. The first start of tip-web
        prints a one-time link in its log.</p>
    </main>
  );
}
