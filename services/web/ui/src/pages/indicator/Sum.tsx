// The arithmetic of the score: one row a reason, each with the share of doubt it removes, drawn as one bar.
import type {Indicator} from "../../api/schema";
import {exemptOf, formulaOf, isCapped, isWhole, stepsOf, TIERS, type Step} from "../../lib/score";
import {ReasonName} from "../../parts/Marks";
import {Table, type Column} from "../../parts/Table";

const COLUMNS: Column<Step>[] = [
  {head: "Reason", cell: (step) => <ReasonName name={step.source} />},
  {head: "Share", cell: (step) => step.weight.toFixed(2), kind: "number"},
  {head: "Doubt before", cell: (step) => (1 - (step.score - step.adds)).toFixed(3), kind: "number"},
  {head: "Adds", cell: (step) => `+ ${step.adds.toFixed(3)}`, kind: "number"},
  {head: "Score", cell: (step) => step.score.toFixed(3), kind: "number"},
];

const SHADES = 5;

function Bar({steps}: {steps: Step[]}) {
  return (
    <svg class="sum-bar" viewBox="0 0 1000 46" preserveAspectRatio="none" aria-hidden="true">
      <rect class="sum-ground" x={0} y={14} width={1000} height={18} rx={4} />
      {steps.map((step, index) => (
        <rect class={`sum-part shade-${index % SHADES}`} x={1000 * (step.score - step.adds)} y={14} width={Math.max(0, 1000 * step.adds - 2)} height={18} />
      ))}
      {TIERS.map(([, from]) => <line class="sum-tick" x1={1000 * from} x2={1000 * from} y1={6} y2={40} />)}
    </svg>
  );
}

export function Sum({data}: {data: Indicator}) {
  const reasons = data.verdict?.reasons ?? [];
  if (!data.verdict || reasons.length === 0) return null;
  const steps = stepsOf(reasons);
  const exempt = exemptOf(reasons);
  const capped = !exempt && isCapped(reasons, data.verdict.score);
  const hidden = data.verdict.n_reasons - reasons.length;
  return (
    <section>
      <h2>Why this score</h2>
      <p class="quiet">Each list removes its share of the doubt that is left: its weight, and less as its word fades; so does what TIP saw itself. Watch begins at 0.30, slow at 0.60, block at 0.90.</p>
      <Bar steps={steps} />
      <div class="sum-labels" aria-hidden="true">{TIERS.map(([tier, from]) => <span style={{left: `${100 * from}%`}}>{tier} {from.toFixed(2)}</span>)}</div>
      <Table caption="The score, reason by reason" columns={COLUMNS} rows={steps} rowKey={(step) => step.source} empty="" />
      <p class="formula code">{formulaOf(reasons)}</p>
      {hidden > 0 && <p class="quiet">{hidden} weaker reasons are not shown; the score counts them.</p>}
      {capped && <p>One thing alone stands behind it: it is told as 0.89, for block takes two that know nothing of each other.</p>}
      {exempt && <p><strong>Exempt:</strong> the {exempt.role} list {exempt.list} names it: {exempt.left > 0 ? `of the score ${exempt.left.toFixed(2)} is left` : "its score is 0"}.</p>}
      {hidden <= 0 && !capped && !exempt && !isWhole(reasons, data.verdict.score) && (
        <p class="quiet">The published score is {data.verdict.score.toFixed(2)}: shares fade between changes, and what operators say comes before the sum.</p>
      )}
    </section>
  );
}
