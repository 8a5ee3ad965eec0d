import type {Gap} from "../../api/schema";
import {count, utc} from "../../lib/format";
import {isBad, shortTopic, wordsOf, type Entry} from "../../lib/record";
import type {Item} from "../../lib/useEvents";
import {Tlp} from "../../parts/Marks";
import {Empty} from "../../parts/States";

const WHY: Record<string, string> = {
  new_journal: "the journal was begun anew",
  trimmed: "older events are no longer kept",
  damaged: "these events cannot be read",
  slow: "this page was too slow to take them",
};

function gapWords(gap: Gap): string {
  const range = gap.from_seq != null && gap.to_seq != null ? `${count(gap.from_seq)} to ${count(gap.to_seq)}` : "some";
  return `Events missing here (${range}): ${WHY[gap.why] ?? gap.why}.`;
}

function EntryRow({entry}: {entry: Entry}) {
  return (
    <tr class={isBad(entry) ? "bad" : ""}>
      <td class="code">{utc(entry.at, true).slice(11)}</td>
      <td class="number">{entry.seq || ""}</td>
      <td class="code">{shortTopic(entry.topic)}</td>
      <td class="wide">
        <details>
          <summary>{wordsOf(entry) || entry.kind}</summary>
          <pre>{JSON.stringify(entry.data, null, 2)}</pre>
        </details>
      </td>
      <td>{entry.publisher}</td>
      <td><Tlp tlp={entry.tlp} /></td>
    </tr>
  );
}

interface Props {
  items: Item[];
  isPaused: boolean;
  isFiltered: boolean;
}

export function FeedTable({items, isPaused, isFiltered}: Props) {
  if (items.length === 0)
    return <Empty text={isFiltered ? "No event with these prefixes among the newest. They appear here as they come." : "No event yet. They appear here as they come."} />;
  return (
    <div class="table-frame feed" role="region" aria-label="Events, newest first" tabIndex={0}>
      <table aria-live={isPaused ? "off" : "polite"} aria-relevant="additions">
        <caption class="unseen">Events, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Time</th><th scope="col" class="number">Seq</th><th scope="col">Topic</th>
            <th scope="col">What</th><th scope="col">Publisher</th><th scope="col">Marking</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => item.type === "record"
            ? <EntryRow key={item.entry.seq || `${item.entry.at}${item.entry.topic}`} entry={item.entry} />
            : <tr key={`gap${item.at}${index}`} class="gap"><td colSpan={6} role="alert">{gapWords(item.gap)}</td></tr>)}
        </tbody>
      </table>
    </div>
  );
}
