// The loop, drawn: producers above the bus, readers below, the arcs by which each feeds the next. The table is the same.
import {useState} from "preact/hooks";
import {count, rate} from "../../lib/format";
import {Table, type Column} from "../../parts/Table";
import {State} from "../../parts/Marks";
import {secondsOf, type Loop as LoopData, type Stop} from "./stops";

const WIDTH = 1000;
const BOX = {width: 176, height: 74, gap: 26, top: 62};
const BUS = {top: 218, height: 46};
const READER_TOP = 336;
const left = (index: number, n: number) => (WIDTH - n * BOX.width - (n - 1) * BOX.gap) / 2 + index * (BOX.width + BOX.gap);
const middle = (index: number, n: number) => left(index, n) + BOX.width / 2;

const ARCS = ["due", "", "names", "agents"]; // between neighbours; blacklist's verdicts go to everyone over the bus
const WORDS: Record<Stop["there"], string> = {ready: "", trouble: "not ready", absent: "not running", unknown: ""};

function Flow({d, events, there}: {d: string; events: number; there: Stop["there"]}) {
  const seconds = there === "absent" ? 0 : secondsOf(events);
  return (
    <>
      <path class={`loop-line ${there}`} d={d} />
      {seconds > 0 && <path class="loop-flow" d={d} style={{animationDuration: `${seconds}s`}} />}
    </>
  );
}

function Box({stop, x, y, line}: {stop: Stop; x: number; y: number; line: string}) {
  return (
    <g class={`loop-box ${stop.there}`} transform={`translate(${x} ${y})`}>
      <rect width={BOX.width} height={BOX.height} rx={8} />
      <text class="loop-name" x={14} y={30}>{stop.label}</text>
      <text class="loop-note" x={14} y={53}>{(stop.classes.length > 0 && WORDS[stop.there]) || line}</text>
      <circle cx={BOX.width - 16} cy={25} r={5} />
    </g>
  );
}

function Producers({stops}: {stops: Stop[]}) {
  const n = stops.length;
  const bottom = BOX.top + BOX.height;
  return (
    <>
      {stops.map((stop, index) => (
        <g>
          <Flow d={`M${middle(index, n)} ${bottom} V${BUS.top}`} events={stop.rate} there={stop.there} />
          {stop.there !== "absent" && <text class="loop-rate" x={middle(index, n) + 10} y={bottom + 46}>{rate(stop.rate)}</text>}
          <Box stop={stop} x={left(index, n)} y={BOX.top} line={stop.note} />
        </g>
      ))}
      {ARCS.map((word, index) => word && (
        <g class={stops[index]?.there === "absent" || stops[index + 1]?.there === "absent" ? "loop-arc absent" : "loop-arc"}>
          <path d={`M${middle(index, n)} ${BOX.top - 2} C${middle(index, n) + 30} 18 ${middle(index + 1, n) - 30} 18 ${middle(index + 1, n)} ${BOX.top - 6}`} marker-end="url(#tip-arrow)" />
          <text x={(middle(index, n) + middle(index + 1, n)) / 2} y={22}>{word}</text>
        </g>
      ))}
    </>
  );
}

function Picture({loop}: {loop: LoopData}) {
  const n = loop.readers.length;
  return (
    <svg class="loop" viewBox={`0 0 ${WIDTH} ${READER_TOP + BOX.height + 6}`} aria-hidden="true">
      <defs>
        <marker id="tip-arrow" viewBox="0 0 8 8" refX={6} refY={4} markerWidth={7} markerHeight={7} orient="auto"><path class="loop-head" d="M0 0L8 4L0 8z" /></marker>
      </defs>
      <Producers stops={loop.producers} />
      {loop.readers.map((stop, index) => (
        <g>
          <Flow d={`M${middle(index, n)} ${BUS.top + BUS.height} V${READER_TOP}`} events={stop.rate} there={stop.there} />
          <Box stop={stop} x={left(index, n)} y={READER_TOP} line={stop.note} />
        </g>
      ))}
      <g class="loop-bus" transform={`translate(0 ${BUS.top})`}>
        <rect x={8} width={WIDTH - 16} height={BUS.height} rx={8} />
        <text x={24} y={29}>Event bus</text>
        <text class="loop-end" x={WIDTH - 24} y={29}>{rate(loop.rate)} · {count(loop.head)} events in the journal</text>
      </g>
    </svg>
  );
}

const COLUMNS: Column<Stop>[] = [
  {head: "Part", cell: (stop) => stop.label},
  {head: "State", cell: (stop) => <State state={stop.there === "absent" ? "not running" : stop.there === "trouble" ? "not ready" : stop.there} />},
  {head: "Rate", cell: (stop) => (stop.there === "absent" ? "–" : rate(stop.rate)), kind: "number"},
  {head: "Does", cell: (stop) => stop.note},
];

export function Loop({loop}: {loop: LoopData}) {
  const [isNarrow] = useState(() => matchMedia("(max-width: 40rem)").matches); // there the picture is too small to read
  return (
    <section class="loop-section">
      <h2>The loop</h2>
      <Picture loop={loop} />
      <details class="loop-table" open={isNarrow}>
        <summary>The same as a table</summary>
        <Table caption="The loop, part by part" columns={COLUMNS} rows={[...loop.producers, ...loop.readers]} rowKey={(stop) => stop.name} empty="" />
      </details>
    </section>
  );
}
