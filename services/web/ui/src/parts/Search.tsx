// The search box of every page. "/" goes to it; what was typed is guessed while typing, and opened with Enter.
import {useEffect, useRef, useState} from "preact/hooks";
import {guess, refang} from "../lib/kind";
import {go, indicatorHref, sourceHref} from "../lib/router";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function Search({sources}: {sources: string[]}) {
  const [typed, setTyped] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const kind = typed.trim() ? guess(typed, sources) : null;

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      box.current?.focus();
      box.current?.select();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);

  const open = (event: Event) => {
    event.preventDefault();
    const value = refang(typed);
    if (!value) return;
    go(kind === "source" ? sourceHref(value) : indicatorHref(value));
    setTyped("");
    box.current?.blur();
  };

  return (
    <form class="search" role="search" onSubmit={open}>
      <label class="unseen" for="search">Search an address, network, name, URL or source</label>
      <input id="search" ref={box} type="search" autocomplete="off" spellcheck={false} autocapitalize="off" enterkeyhint="search"
        placeholder="Address, network, name, URL, source" value={typed} aria-describedby="search-hint"
        onInput={(event) => setTyped(event.currentTarget.value)} />
      <span id="search-hint" class="search-hint" aria-live="polite">{kind ?? <kbd aria-label="slash">/</kbd>}</span>
    </form>
  );
}
