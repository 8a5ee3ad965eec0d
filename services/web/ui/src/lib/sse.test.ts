import assert from "node:assert/strict";
import {test} from "node:test";
import {sseReader, type Message} from "./sse";

const WIRE = ":hello\n\nevent: record\nid: ab:7\ndata: {\"a\":1}\n\nevent: gap\r\ndata: one\r\ndata: two\r\n\r\ndata:x\n\n";
const WANTED: Message[] = [
  {event: "record", id: "ab:7", data: '{"a":1}'},
  {event: "gap", id: "ab:7", data: "one\ntwo"},
  {event: "message", id: "ab:7", data: "x"},
];

test("messages are whole however the stream is cut", () => {
  for (let size = 1; size < WIRE.length; size++) {
    const got: Message[] = [];
    const feed = sseReader((message) => got.push(message));
    for (let i = 0; i < WIRE.length; i += size) feed(WIRE.slice(i, i + size));
    assert.deepEqual(got, WANTED, `in pieces of ${size}`);
  }
});

test("an unfinished message is not given", () => {
  const got: Message[] = [];
  sseReader((message) => got.push(message))("data: half\n");
  assert.deepEqual(got, []);
});
