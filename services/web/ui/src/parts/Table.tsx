// One table for every list: columns are rows of a table themselves. Scrolls sideways on a phone, reachable by keyboard.
import type {ComponentChildren} from "preact";
import {Empty} from "./States";

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  kind?: "number" | "code" | "code extra"; // extra: not on a phone
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T, index: number) => string | number;
  empty: string;
  rowClass?: (row: T) => string;
}

export function Table<T>({caption, columns, rows, rowKey, empty, rowClass}: Props<T>) {
  if (rows.length === 0) return <Empty text={empty} />;
  return (
    <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>{columns.map((column) => <th scope="col" class={column.kind}>{column.head}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={rowKey(row, index)} class={rowClass?.(row)}>
              {columns.map((column) => <td class={column.kind}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
