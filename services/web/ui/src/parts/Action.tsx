// An operator's action: a button, then a dialog that first shows what would happen, then asks for the reason, then does it.
import {useRef, useState} from "preact/hooks";
import type {ControlAnswer, ControlRequest} from "../api/schema";
import {control, type Answer} from "../lib/api";
import {canOperate, type SessionState} from "../lib/session";
import {Failed} from "./States";

export interface Deed {
  label: string; // of the button: "Hold"
  what: string; // in a sentence: "Hold source drop: it keeps its entries and is not fetched"
  request: Omit<ControlRequest, "reason" | "dry_run">;
}

function Result({answer}: {answer: Answer<ControlAnswer> | null}) {
  if (!answer) return <p role="status">Asking what would happen …</p>;
  if (!answer.ok) return <Failed failure={answer.failure} />;
  const values = Object.entries(answer.data.values);
  return (
    <div class={`notice ${answer.data.ok ? "good" : "bad"}`} role="status">
      <strong>{answer.data.ok ? "It would be done." : "It would be refused."}</strong>
      {answer.data.result && <p>{answer.data.result}</p>}
      {values.length > 0 && <dl class="facts">{values.map(([name, value]) => <div class="fact"><dt>{name}</dt><dd>{value}</dd></div>)}</dl>}
    </div>
  );
}

interface Props {
  deed: Deed;
  session: SessionState;
  onDone: () => void;
  look?: string;
  isOff?: boolean; // it cannot be done yet
}

export function Action({deed, session, onDone, look = "", isOff = false}: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [trial, setTrial] = useState<Answer<ControlAnswer> | null>(null);
  const [outcome, setOutcome] = useState<Answer<ControlAnswer> | null>(null);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);

  const open = async () => {
    setTrial(null);
    setOutcome(null);
    setOpen(true);
    dialog.current?.showModal();
    setTrial(await control({...deed.request, dry_run: true}));
  };
  const confirm = async (event: SubmitEvent) => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget as HTMLFormElement).get("reason");
    setBusy(true); // a second click would do it twice
    const answer = await control({...deed.request, reason: String(reason ?? "")});
    setBusy(false);
    setOutcome(answer);
    if (!answer.ok || !answer.data.ok) return;
    dialog.current?.close();
    onDone();
  };

  if (!canOperate(session)) return null;
  const mayConfirm = trial?.ok === true && trial.data.ok && !isBusy;
  return (
    <>
      <button type="button" class={look} onClick={open} disabled={isOff}>{deed.label}</button>
      <dialog ref={dialog} aria-label={deed.what} onClose={() => setOpen(false)}>
        {isOpen && (
          <form onSubmit={confirm}>
            <h2>{deed.what}</h2>
            <Result answer={trial} />
            {outcome && !outcome.ok && <Failed failure={outcome.failure} />}
            {outcome?.ok && !outcome.data.ok && <p class="notice bad" role="alert">Refused: {outcome.data.result}</p>}
            <label>Reason, for the audit
              <input name="reason" required minLength={3} maxLength={200} autocomplete="off" />
            </label>
            <p class="buttons">
              <button type="submit" class="main" disabled={!mayConfirm}>{isBusy ? "Asking …" : deed.label}</button>
              <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
            </p>
          </form>
        )}
      </dialog>
    </>
  );
}
