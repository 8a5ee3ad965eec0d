import type {Indicator} from "../../api/schema";
import {apiPath} from "../../lib/api";
import {useApi} from "../../lib/useApi";

/** Everything about one indicator, now or as of a time. What is now is asked again every 10 s. */
export function useIndicator(value: string, at: string) {
  return useApi<Indicator>(apiPath(`indicators/${encodeURIComponent(value)}`, {at}), at ? 0 : 10_000);
}

/** A date field's value ("2026-11-22T08:58", meant as UTC) as the time of the address, and back, to the millisecond. */
export const timeOfField = (field: string): string => (field ? new Date(`${field}Z`).toISOString() : "");
export const fieldOfTime = (time: string): string => (Number.isNaN(Date.parse(time)) ? "" : new Date(time).toISOString().replace(/(\.000)?Z$/, ""));
