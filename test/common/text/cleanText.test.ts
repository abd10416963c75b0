import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanColored, cleanJson, cleanLine, cleanText } from "#pefd/common/text.js";

/** Characters that a terminal obeys, that break lines or turn text, and how they are written. */
const ESCAPED: readonly (readonly [char: string, shown: string])[] = [
  ["\0", "\\x00"],
  ["\u0007", "\\x07"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\u001b", "\\x1b"],
  ["\u007f", "\\x7f"],
  ["\u0085", "\\x85"],
  ["\u009b", "\\x9b"],
  ["\u061c", "\\u061c"],
  ["\u200e", "\\u200e"],
  ["\u2028", "\\u2028"],
  ["\u202e", "\\u202e"],
  ["\u2066", "\\u2066"],
  ["\ufeff", "\\ufeff"],
  ["\uffff", "\\uffff"],
  ["\ud800", "\\ud800"],
];

const PLAIN = "resnet32x4 → ü é 中文 🙂 \\ ~ \u00a0";

test("what does not stand for itself is escaped in a line, anything else stays", () => {
  assert.equal(cleanLine(PLAIN), PLAIN);
  for (const [char, shown] of ESCAPED) assert.equal(cleanLine(`a${char}b${char}`), `a${shown}b${shown}`);
});

test("text keeps its lines, and nothing else", () => {
  assert.equal(cleanText(`${PLAIN}\n${PLAIN}`), `${PLAIN}\n${PLAIN}`);
  for (const [char, shown] of ESCAPED.filter(([each]) => each !== "\n")) {
    assert.equal(cleanText(`a${char}\n`), `a${shown}\n`);
  }
});

test("coloured text keeps its colours; other commands in it are escaped", () => {
  const colored = "\u001b[32mok\u001b[39m  \u001b[1;31mno\u001b[0m\n\u001b[m";
  assert.equal(cleanColored(colored), colored);
  assert.equal(cleanColored("\u001b[2J\u001b[32mx"), "\\x1b[2J\u001b[32mx");
  assert.equal(cleanColored("\u001b]0;x\u0007\u009b31m"), "\\x1b]0;x\\x07\\x9b31m");
});

test("JSON says the same, without a character that a terminal obeys", () => {
  const document = { [PLAIN]: ESCAPED.map(([char]) => char).join("") };
  const json = cleanJson(JSON.stringify(document, undefined, 2));
  assert.deepEqual(JSON.parse(json), document);
  assert.doesNotMatch(json, /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u);
  assert.equal(cleanJson('"\u009b"'), '"\\u009b"');
});

test("passwords in URLs are shown nowhere, and what only looks like one stays", () => {
  for (const [text, shown] of [
    ["http://me:secret@host:80/a", "http://me:PASSWORD@host:80/a"],
    ["go on: --track=https://:secret@host", "go on: --track=https://:PASSWORD@host"],
    ["'http://me@corp.com:se@c/r#e?t@host'", "'http://me@corp.com:PASSWORD@host'"],
    ["http:me:secret@host and HTTP:\\\\me:secret@host", "http:me:PASSWORD@host and HTTP:\\\\me:PASSWORD@host"],
    ["postgresql://me:secret@host/db", "postgresql://me:PASSWORD@host/db"],
    ['{"a":"http://me:secret@host","b":"x@y"}', '{"a":"http://me:PASSWORD@host","b":"x@y"}'],
  ] as const) {
    for (const clean of [cleanLine, cleanText, cleanJson, cleanColored]) {
      assert.equal(clean(text), clean(shown));
      assert.doesNotMatch(clean(text), /secret|se@c/);
    }
  }
  for (const text of [
    "http://me@host:80/a",
    "http://host:8080/a@b",
    "http://host:8080",
    "http://[::1]:80/a",
    "see http://host:80 or mail a@b",
    "resnet: a@b",
  ])
    assert.equal(cleanLine(text), text);
});
