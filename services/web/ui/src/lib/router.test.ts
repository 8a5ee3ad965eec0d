import assert from "node:assert/strict";
import {test} from "node:test";
import {hrefWith, indicatorHref, matchPath} from "./router";

test("a path is a page and a name", () => {
  assert.deepEqual(matchPath("/"), {page: "", name: ""});
  assert.deepEqual(matchPath("/sources/drop_v4"), {page: "sources", name: "drop_v4"});
  assert.deepEqual(matchPath("/indicator/192.0.2.0%2F24"), {page: "indicator", name: "192.0.2.0/24"});
  assert.deepEqual(matchPath("/indicator/192.0.2.0/24"), {page: "indicator", name: "192.0.2.0/24"});
  assert.deepEqual(matchPath("/indicator/%zz"), {page: "indicator", name: "%zz"});
});

test("an indicator survives its way through the address", () => {
  for (const value of ["192.0.2.0/24", "2001:db8::1", "http://a.test/x?y=1#z", "<b>%41"])
    assert.equal(matchPath(new URL(indicatorHref(value), "http://h").pathname).name, value);
});

test("parameters are replaced, repeated and left out", () => {
  const place = {path: "/feed", params: new URLSearchParams("prefix=a&prefix=b&x=1")};
  assert.equal(hrefWith(place, {prefix: ["c", "d"]}), "/feed?x=1&prefix=c&prefix=d");
  assert.equal(hrefWith(place, {prefix: [], x: ""}), "/feed");
});
