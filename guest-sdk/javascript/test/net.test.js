import assert from "node:assert/strict";
import test from "node:test";

import { IpRange, pathUnder } from "../src/index.js";

test("a range contains its addresses and no other", () => {
  for (const [range, inside, outside] of [
    ["10.0.0.0/8", "10.255.0.1", "11.0.0.0"],
    ["192.0.2.1", "192.0.2.1", "192.0.2.2"],
    ["0.0.0.0/0", "255.255.255.255", "::1"],
    ["::/0", "2001:db8::1", "1.2.3.4"],
    ["2001:db8::/32", "2001:db8:ffff::", "2001:db9::"],
    ["10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"],
    ["192.0.2.128/25", "192.0.2.255", "192.0.2.127"],
  ]) {
    const parsed = new IpRange(range);
    assert.ok(parsed.contains(inside), `${inside} in ${range}`);
    assert.ok(!parsed.contains(outside), `${outside} not in ${range}`);
    assert.ok(!parsed.contains("nonsense"));
  }
});

test("what is no range is refused", () => {
  for (const text of ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "example.test", "::/129", "10.0.0.1/8", "10.0.0.0/-1", "1::2::3", "12345::", ":::", "01.0.0.0"]) {
    assert.throws(() => new IpRange(text), TypeError, text);
  }
});

test("a prefix covers whole elements", () => {
  for (const [path, prefix, covered] of [
    ["/admin", "/admin", true],
    ["/admin/x", "/admin/", true],
    ["/admin", "/admin/", true],
    ["/administer", "/admin", false],
    ["/x", "/", true],
    ["/a", "/a/b", false],
  ]) {
    assert.equal(pathUnder(path, prefix), covered, `${path} under ${prefix}`);
  }
});
