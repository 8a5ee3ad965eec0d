// The live feed: every event as it comes. Filter and nothing else is state, so it is in the address.
import {useState} from "preact/hooks";
import {count} from "../../lib/format";
import {go, hrefWith, placeNow} from "../../lib/router";
import {useEvents, type Link} from "../../lib/useEvents";
import type {PageProps} from "../index";
import {FeedTable} from "./FeedTable";
import {PRESETS, prefixesOf} from "./prefixes";

const LINKS: Record<Link, string> = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Connection lost; trying again, and nothing will be missed",
};

function Filter({prefixes}: {prefixes: string[]}) {
  const show = (list: string[]) => go(hrefWith(placeNow(), {prefix: list}), true);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    show(prefixesOf(String(new FormData(event.currentTarget as HTMLFormElement).get("prefix") ?? "")));
  };
  return (
    <form class="bar" onSubmit={submit}>
      <fieldset class="chips">
        <legend class="unseen">Kinds of events</legend>
        {PRESETS.map(({label, prefix}) => {
          const isOn = prefixes.includes(prefix);
          const next = isOn ? prefixes.filter((one) => one !== prefix) : [...prefixes, prefix];
          return <button type="button" aria-pressed={isOn} onClick={() => show(next)}>{label}</button>;
        })}
      </fieldset>
      <label class="grow"><span>Topic prefixes</span>
        <input name="prefix" key={prefixes.join()} defaultValue={prefixes.join(" ")} placeholder="all, or listing.delta. verdict."
          autocomplete="off" spellcheck={false} />
      </label>
      <button type="submit">Filter</button>
    </form>
  );
}

export function FeedPage({place}: PageProps) {
  const prefixes = place.params.getAll("prefix");
  const [isPaused, setPaused] = useState(false);
  const live = useEvents(prefixes, isPaused);
  return (
    <>
      <Filter prefixes={prefixes} />
      <div class="bar">
        <button type="button" class="main" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </button>
        <p class={`link ${live.link}`} role="status">
          {isPaused ? `Paused, ${count(live.held)} ${live.held >= 1000 ? "or more " : ""}waiting` : LINKS[live.link]}
        </p>
      </div>
      <FeedTable items={live.items} isPaused={isPaused} isFiltered={prefixes.length > 0} />
    </>
  );
}
