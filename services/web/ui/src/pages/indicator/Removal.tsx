// What would remove its verdict: for each that speaks against it what has to happen.
import type {Indicator} from "../../api/schema";
import {removalWords} from "./endings";

export function Removal({data}: {data: Indicator}) {
  const words = removalWords(data);
  if (words.length === 0) return null;
  return (
    <section>
      <h2>{data.at ? "What would have removed it" : "What would remove it"}</h2>
      <ul>{words.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>
    </section>
  );
}
