// A line chart by uPlot. It is a picture of the table that stands beside it, so it is hidden from screen readers.
import {useEffect, useRef} from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import {compact} from "../lib/format";
import {THEME_CHANGED} from "../lib/theme";

export interface Line {
  label: string;
  colour: string; // a custom property of the theme
  values: Array<number | null>;
  isBars?: boolean;
}

const HEIGHT = 220;
const DAY_S = 86_400;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, DAY_S, 2 * DAY_S, 5 * DAY_S, 10 * DAY_S,
  30 * DAY_S, 90 * DAY_S, 365 * DAY_S];

/** Times below the chart, as short as the span allows, in UTC and 24 hours. */
function timesOf(plot: uPlot, ticks: number[]): string[] {
  const span = (plot.scales.x?.max ?? 0) - (plot.scales.x?.min ?? 0);
  const [from, to] = span > 2 * DAY_S ? [5, 10] : span > 900 ? [11, 16] : [11, 19];
  return ticks.map((tick) => new Date(tick * 1000).toISOString().slice(from, to));
}

/** Canvas knows no custom properties: a probe element resolves them, light-dark() included. */
function colourOf(host: HTMLElement, property: string): string {
  const probe = host.appendChild(document.createElement("i"));
  probe.style.color = `var(${property})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function optionsOf(host: HTMLElement, lines: Line[]): uPlot.Options {
  const axis = {stroke: colourOf(host, "--ink-quiet"), grid: {stroke: colourOf(host, "--line"), width: 1}, ticks: {show: false},
    font: "12px system-ui, sans-serif"};
  return {
    width: Math.max(host.clientWidth, 200), height: HEIGHT, padding: [12, 30, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: {y: false, points: {size: 7}},
    axes: [{...axis, space: 84, incrs: STEPS_S, values: timesOf}, {...axis, size: 56, values: (_, ticks) => ticks.map((tick) => compact(tick))}],
    scales: {y: {range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.08)]}},
    series: [{value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}"}, ...lines.map((line) => ({
      label: line.label, stroke: colourOf(host, line.colour), width: 2, points: {show: false},
      ...(line.isBars ? {paths: uPlot.paths.bars!({size: [0.5, 18]}), fill: colourOf(host, line.colour)} : {}),
    }))],
  };
}

export function Chart({times, lines}: {times: number[]; lines: Line[]}) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(optionsOf(element, lines), [times, ...lines.map((line) => line.values)], element);
    };
    const resize = new ResizeObserver(() => plot?.setSize({width: Math.max(element.clientWidth, 200), height: HEIGHT}));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    draw();
    resize.observe(element);
    dark.addEventListener("change", draw);
    addEventListener(THEME_CHANGED, draw);
    return () => {
      resize.disconnect();
      dark.removeEventListener("change", draw);
      removeEventListener(THEME_CHANGED, draw);
      plot?.destroy();
    };
  }, [times, lines]);
  return <div class="chart" ref={host} aria-hidden="true" />;
}
