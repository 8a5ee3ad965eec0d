// All scored indicators, worst first.
import type {Verdict} from "../../api/schema";
import {useParam} from "../../lib/router";
import {IndicatorLink, ReasonName, Tier, Time} from "../../parts/Marks";
import {CsvLink, MoreButton, usePages} from "../../parts/More";
import {Show} from "../../parts/States";
import {Table, type Column} from "../../parts/Table";
import type {PageProps} from "../index";

const COLUMNS: Column<Verdict>[] = [
  {head: "Tier", cell: (row) => <Tier tier={row.tier} />},
  {head: "Score", cell: (row) => row.score.toFixed(2), kind: "number"},
  {head: "Indicator", cell: (row) => <IndicatorLink value={row.value} />},
  {head: "Kind", cell: (row) => row.kind},
  {head: "Because of", cell: (row) => row.reasons.map((reason, index) => <>{index > 0 && ", "}<ReasonName name={reason.source} /> {reason.weight.toFixed(2)}</>)},
  {head: "Since", cell: (row) => <Time at={row.updated_at} />},
];

function Choice({label, value, set, options}: {label: string; value: string; set: (value: string) => void; options: Array<[string, string]>}) {
  return (
    <label><span>{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {options.map(([option, text]) => <option value={option}>{text}</option>)}
      </select>
    </label>
  );
}

const TIERS: Array<[string, string]> = [["", "all"], ["watch", "watch and worse"], ["slow", "slow and worse"], ["block", "block"]];
const KINDS: Array<[string, string]> = [["", "all"], ["ip", "addresses"], ["net", "networks"], ["domain", "domains"], ["url", "URLs"], ["endpoint", "endpoints"],
  ["asn", "AS numbers"], ["hash", "hashes"], ["email_domain", "mail domains"]];

export function VerdictsPage({place}: PageProps) {
  const [tier, setTier] = useParam(place, "tier");
  const [kind, setKind] = useParam(place, "kind");
  const pages = usePages<Verdict>("verdicts", {tier, kind}, 10_000);
  return (
    <>
      <div class="bar">
        <Choice label="Tier" value={tier} set={setTier} options={TIERS} />
        <Choice label="Kind" value={kind} set={setKind} options={KINDS} />
        <CsvLink path="verdicts" params={{tier, kind}} />
      </div>
      <Show from={pages}>
        {() => <Table caption="Verdicts, worst first" columns={COLUMNS} rows={pages.rows} rowKey={(row) => `${row.kind} ${row.value}`}
          empty="Nothing is scored like this. Choose a lower tier." />}
      </Show>
      <MoreButton pages={pages} />
    </>
  );
}
