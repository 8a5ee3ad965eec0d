// All lists and how they are, those that need somebody first; and what they have in common.
import type {Source} from "../../api/schema";
import {useParam} from "../../lib/router";
import {CsvLink, type Page} from "../../parts/More";
import {Show} from "../../parts/States";
import {useApi} from "../../lib/useApi";
import type {PageProps} from "../index";
import {chosen} from "./chosen";
import {Overlaps} from "./Overlaps";
import {SourcesTable} from "./SourcesTable";

export function SourcesPage({place}: PageProps) {
  const [text, setText] = useParam(place, "q");
  const [state, setState] = useParam(place, "state");
  const loaded = useApi<Page<Source>>("/api/v1/sources", 5000);
  return (
    <>
      <div class="bar">
        <label><span>Name holds</span>
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} autocomplete="off" spellcheck={false} />
        </label>
        <label><span>State</span>
          <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
            <option value="">all</option>
            <option value="ok">well</option>
            <option value="trouble">in trouble</option>
          </select>
        </label>
        <CsvLink path="sources" />
      </div>
      <Show from={loaded}>
        {(page) => <SourcesTable sources={chosen(page.items, text, state)} isFiltered={Boolean(text || state)} />}
      </Show>
      <Overlaps place={place} text={text} />
    </>
  );
}
