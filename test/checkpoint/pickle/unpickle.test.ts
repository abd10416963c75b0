import assert from "node:assert/strict";
import { test } from "node:test";
import { metadataAllowance } from "#pefd/checkpoint/damage.js";
import { unpickle } from "#pefd/checkpoint/pickle/unpickle.js";
import { newConversion, toPlain } from "#pefd/checkpoint/pth.js";
import { PefdError } from "#pefd/common/errors.js";

const noTensors = () => newConversion(() => assert.fail("there is no tensor"), metadataAllowance(0));

/** A pickle from its operations, one character per byte. */
const bytesOf = (operations: string): Uint8Array => Buffer.from(operations, "latin1");

const plainOf = (bytes: Uint8Array): unknown => toPlain(unpickle(bytes).value, noTensors());

/** CPython's pickles, protocols 0 to 5, of one value with all plain types and containers. */
const PROTOCOLS: readonly string[] = [
  "KGRwMApWdGV4dApwMQpW/Fx1MDAwYQpwMgpzVmludHMKcDMKKGxwNApJMAphSTI1NQphSS0xCmFJNjU1MzUKYUkyMTQ3NDgzNjQ3CmFMLTEwOTk1MTE2Mjc3NzZMCmFMMTIwODkyNTgxOTYxNDYyOTE3NDcwNjE3NkwKYXNWZmxvYXRzCnA1CihGMS41CkZpbmYKdHA2CnNWZmxhZ3MKcDcKKEkwMQpJMDAKTnRwOApzVmJ5dGVzCnA5CmNfY29kZWNzCmVuY29kZQpwMTAKKFZcdTAwMDD/CnAxMQpWbGF0aW4xCnAxMgp0cDEzClJwMTQKc1ZzZXQKcDE1CmNfX2J1aWx0aW5fXwpzZXQKcDE2CigobHAxNwpJNwphdHAxOApScDE5CnNWZW1wdHkKcDIwCigodChscDIxCihkcDIyCmcxNgooKGxwMjMKdHAyNApScDI1CnRwMjYKc1ZvcmRlcmVkCnAyNwpjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcDI4Cih0UnAyOQpWYQpwMzAKSTEKc3NWbnMKcDMxCmNjb3B5X3JlZwpfcmVjb25zdHJ1Y3RvcgpwMzIKKGNhcmdwYXJzZQpOYW1lc3BhY2UKcDMzCmNfX2J1aWx0aW5fXwpvYmplY3QKcDM0Ck50cDM1ClJwMzYKKGRwMzcKVmxyCnAzOApGMC4wNQpzVmRlY2F5CnAzOQoobHA0MApJMTUwCmFJMTgwCmFzYnNWc2hhcmVkCnA0MQoobHA0MgoobHA0MwpJMQphYWc0Mwphcy4=",
  "fXEAKFgEAAAAdGV4dHEBWAMAAADDvApxAlgEAAAAaW50c3EDXXEEKEsAS/9K/////03//0r///9/TC0xMDk5NTExNjI3Nzc2TApMMTIwODkyNTgxOTYxNDYyOTE3NDcwNjE3NkwKZVgGAAAAZmxvYXRzcQUoRz/4AAAAAAAAR3/wAAAAAAAAdHEGWAUAAABmbGFnc3EHKEkwMQpJMDAKTnRxCFgFAAAAYnl0ZXNxCWNfY29kZWNzCmVuY29kZQpxCihYAwAAAADDv3ELWAYAAABsYXRpbjFxDHRxDVJxDlgDAAAAc2V0cQ9jX19idWlsdGluX18Kc2V0CnEQKF1xEUsHYXRxElJxE1gFAAAAZW1wdHlxFCgpXXEVfXEWaBAoXXEXdHEYUnEZdHEaWAcAAABvcmRlcmVkcRtjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcRwpUnEdWAEAAABhcR5LAXNYAgAAAG5zcR9jY29weV9yZWcKX3JlY29uc3RydWN0b3IKcSAoY2FyZ3BhcnNlCk5hbWVzcGFjZQpxIWNfX2J1aWx0aW5fXwpvYmplY3QKcSJOdHEjUnEkfXElKFgCAAAAbHJxJkc/qZmZmZmZmlgFAAAAZGVjYXlxJ11xKChLlku0ZXViWAYAAABzaGFyZWRxKV1xKihdcStLAWFoK2V1Lg==",
  "gAJ9cQAoWAQAAAB0ZXh0cQFYAwAAAMO8CnECWAQAAABpbnRzcQNdcQQoSwBL/0r/////Tf//Sv///3+KBgAAAAAA/4oLAAAAAAAAAAAAAAFlWAYAAABmbG9hdHNxBUc/+AAAAAAAAEd/8AAAAAAAAIZxBlgFAAAAZmxhZ3NxB4iJTodxCFgFAAAAYnl0ZXNxCWNfY29kZWNzCmVuY29kZQpxClgDAAAAAMO/cQtYBgAAAGxhdGluMXEMhnENUnEOWAMAAABzZXRxD2NfX2J1aWx0aW5fXwpzZXQKcRBdcRFLB2GFcRJScRNYBQAAAGVtcHR5cRQoKV1xFX1xFmgQXXEXhXEYUnEZdHEaWAcAAABvcmRlcmVkcRtjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcRwpUnEdWAEAAABhcR5LAXNYAgAAAG5zcR9jYXJncGFyc2UKTmFtZXNwYWNlCnEgKYFxIX1xIihYAgAAAGxycSNHP6mZmZmZmZpYBQAAAGRlY2F5cSRdcSUoS5ZLtGV1YlgGAAAAc2hhcmVkcSZdcScoXXEoSwFhaChldS4=",
  "gAN9cQAoWAQAAAB0ZXh0cQFYAwAAAMO8CnECWAQAAABpbnRzcQNdcQQoSwBL/0r/////Tf//Sv///3+KBgAAAAAA/4oLAAAAAAAAAAAAAAFlWAYAAABmbG9hdHNxBUc/+AAAAAAAAEd/8AAAAAAAAIZxBlgFAAAAZmxhZ3NxB4iJTodxCFgFAAAAYnl0ZXNxCUMCAP9xClgDAAAAc2V0cQtjYnVpbHRpbnMKc2V0CnEMXXENSwdhhXEOUnEPWAUAAABlbXB0eXEQKCldcRF9cRJoDF1xE4VxFFJxFXRxFlgHAAAAb3JkZXJlZHEXY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEYKVJxGVgBAAAAYXEaSwFzWAIAAABuc3EbY2FyZ3BhcnNlCk5hbWVzcGFjZQpxHCmBcR19cR4oWAIAAABscnEfRz+pmZmZmZmaWAUAAABkZWNheXEgXXEhKEuWS7RldWJYBgAAAHNoYXJlZHEiXXEjKF1xJEsBYWgkZXUu",
  "gASVIgEAAAAAAAB9lCiMBHRleHSUjAPDvAqUjARpbnRzlF2UKEsAS/9K/////03//0r///9/igYAAAAAAP+KCwAAAAAAAAAAAAABZYwGZmxvYXRzlEc/+AAAAAAAAEd/8AAAAAAAAIaUjAVmbGFnc5SIiU6HlIwFYnl0ZXOUQwIA/5SMA3NldJSPlChLB5CMBWVtcHR5lCgpXZR9lI+UdJSMB29yZGVyZWSUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAFhlEsBc4wCbnOUjAhhcmdwYXJzZZSMCU5hbWVzcGFjZZSTlCmBlH2UKIwCbHKURz+pmZmZmZmajAVkZWNheZRdlChLlku0ZXVijAZzaGFyZWSUXZQoXZRLAWFoI2V1Lg==",
  "gAWVIgEAAAAAAAB9lCiMBHRleHSUjAPDvAqUjARpbnRzlF2UKEsAS/9K/////03//0r///9/igYAAAAAAP+KCwAAAAAAAAAAAAABZYwGZmxvYXRzlEc/+AAAAAAAAEd/8AAAAAAAAIaUjAVmbGFnc5SIiU6HlIwFYnl0ZXOUQwIA/5SMA3NldJSPlChLB5CMBWVtcHR5lCgpXZR9lI+UdJSMB29yZGVyZWSUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUjAFhlEsBc4wCbnOUjAhhcmdwYXJzZZSMCU5hbWVzcGFjZZSTlCmBlH2UKIwCbHKURz+pmZmZmZmajAVkZWNheZRdlChLlku0ZXVijAZzaGFyZWSUXZQoXZRLAWFoI2V1Lg==",
];

PROTOCOLS.forEach((base64, protocol) => {
  test(`protocol ${protocol} of every plain type and container`, () => {
    const { value } = unpickle(Buffer.from(base64, "base64"));
    assert.ok(value instanceof Map);
    assert.deepEqual([...(value.get("bytes") as Uint8Array)], [0, 255]);
    value.delete("bytes");
    assert.deepEqual(toPlain(value, noTensors()), {
      text: "ü\n",
      ints: [0, 255, -1, 65535, 2 ** 31 - 1, -(2 ** 40), "1208925819614629174706176"],
      floats: [1.5, Number.POSITIVE_INFINITY],
      flags: [true, false, null],
      set: [7],
      empty: [[], [], {}, []],
      ordered: { a: 1 },
      ns: { lr: 0.05, decay: [150, 180] },
      shared: [[1], [1]],
    });
  });
});

test("Python 2's strings, its OrderedDict of pairs and its old-style calls are read", () => {
  assert.deepEqual(plainOf(bytesOf("(S'a\\x00\\'b'\nT\x02\0\0\0\xe4zU\x01xt.")), ["a\0'b", "äz", "x"]);
  const pairs = "ccollections\nOrderedDict\n(((S'k'\nI1\nlltR.";
  assert.deepEqual(plainOf(bytesOf(pairs)), { k: 1 });
  assert.deepEqual(plainOf(bytesOf("((S'k'\nI2\nllp0\n0(g0\nicollections\nOrderedDict\n.")), {
    k: 2,
  });
  assert.deepEqual(plainOf(bytesOf("(c__builtin__\nset\n(K\x01lo.")), [1]);
});

test("a line may have a MiB, and no more", () => {
  const line = (length: number) => bytesOf(`V${"x".repeat(length)}\n.`);
  assert.equal((unpickle(line(2 ** 20 - 1)).value as string).length, 2 ** 20 - 1);
  assert.throws(() => unpickle(line(2 ** 20)), /line without an end/);
});

/** What must be refused, by the name that the message must contain. */
const REFUSED_NAMES: Readonly<Record<string, string>> = {
  "os.system": "cos\nsystem\n(S'true'\ntR.",
  "posix.system": "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
  "builtins.eval": "cbuiltins\neval\n(S'1'\ntR.",
  "__builtin__.getattr": "c__builtin__\ngetattr\n.",
  "subprocess.Popen": "(S'true'\nisubprocess\nPopen\n.",
  "torch.load": "ctorch\nload\n.",
  "torch._utils._rebuild_tensor_v3": "ctorch._utils\n_rebuild_tensor_v3\n.",
  "torch.ComplexFloatStorage": "ctorch\nComplexFloatStorage\n.",
  "models.resnet.ResNet": "cmodels.resnet\nResNet\n)\x81.",
  "collections.OrderedDict.__init__": "ccollections\nOrderedDict.__init__\n.",
  "builtins.constructor": "cbuiltins\nconstructor\n.",
  "argparse.ArgumentParser": "cargparse\nArgumentParser\n.",
};

for (const [name, pickle] of Object.entries(REFUSED_NAMES)) {
  test(`refused by name: ${name}`, () => {
    assert.throws(
      () => unpickle(bytesOf(pickle)),
      (error) =>
        error instanceof PefdError &&
        error.exitCode === 2 &&
        error.message.includes(`"${name}"`) &&
        error.message.includes("nothing was run"),
    );
  });
}

const set = "c__builtin__\nset\n";

const DAMAGED: Readonly<Record<string, readonly [pickle: string, reason: RegExp]>> = {
  "nothing at all": ["", /asks for 1 bytes at byte 0, but 0 are left/],
  "no end": ["}", /but 0 are left/],
  "an end without a value": [".", /empty stack/],
  "a text of 4 GiB": ["X\xff\xff\xff\xff.", /asks for 4294967295 bytes at byte 5, but 1 are left/],
  "bytes of 2^64": ["\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", /but 1 are left/],
  "a text of negative length": ["T\xff\xff\xff\xffa.", /asks for -1 bytes/],
  "an integer of negative length": ["\x8b\xff\xff\xff\xff.", /asks for -1 bytes/],
  "an integer of 2 GiB": ["\x8b\xff\xff\xff\x7f.", /integer of 2147483647 bytes/],
  "an integer of 2000 digits": [`I${"9".repeat(2000)}\n.`, /integer/],
  "an integer that is none": ["I1e5\n.", /integer/],
  "a float that is none": ["F0x10\n.", /number that is none/],
  "text that is not UTF-8": ["X\x01\0\0\0\xff.", /not UTF-8/],
  "an unknown protocol": ["\x80\x06N.", /protocol 6/],
  "an unknown operation": ["\xff", /operation 0xff at byte 0/],
  "a code from the extension registry": ["\x82\x01.", /operation 0x82/],
  "a memo entry that is missing": ["h\x07.", /never stored/],
  "values up to a mark that is missing": ["Kat.", /mark/],
  "taking a value from below a mark": ["K\x01(K\x02s.", /empty stack|no dict/],
  "a dict with a key but no value": ["(K\x01d.", /key but no value/],
  "the same name twice in a dict": ["(S'a'\nNS'a'\nNd.", /the name "a" occurs twice/],
  "appending to a number": ["K\x01K\x02a.", /no list/],
  "setting an item of a list": ["]K\x01K\x02s.", /no dict/],
  "adding to a dict": ["}(K\x01\x90.", /no set/],
  "calling a number": ["K\x01)R.", /no function/],
  "calling with a list": [`${set}]R.`, /without arguments/],
  "calling a type that is only a marker": ["ctorch\nFloatStorage\n)R.", /calls torch.FloatStorage/],
  "state for a list": ["]K\x01b.", /state/],
  "an unknown persistent id": ["X\x01\0\0\0aQ.", /unknown way/],
  "a storage of negative size": [
    "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ\xff\xff\xff\xfftQ.",
    /unknown way/,
  ],
  "a million operations": [`${"N0".repeat(600_000)}N.`, /more than 1000000 operations/],
  "a million containers": ["}".repeat(300_000), /more than 200000 objects/],
  "one list copied into a million sets": [
    `(${"K\x01".repeat(5000)}lp0\n0${set}p1\n0${"g1\n(g0\ntR".repeat(300)}.`,
    /copies the same values/,
  ],
};

for (const [what, [pickle, reason]] of Object.entries(DAMAGED)) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => unpickle(bytesOf(pickle)),
      (error) => error instanceof PefdError && error.exitCode === 2 && reason.test(error.message),
    );
  });
}

test("a billion laughs stay small, and are no plain value", () => {
  let pickle = "(lp0\n";
  for (let level = 0; level < 30; level++) pickle += `0(${`g${level}\n`.repeat(10)}lp${level + 1}\n`;
  assert.equal(plainOf(bytesOf(`${pickle}.`)), undefined);
});

test("lists nested 100,000 deep or in themselves are read, and are no plain value", () => {
  assert.equal(plainOf(bytesOf(`${"]".repeat(100_000)}${"a".repeat(99_999)}.`)), undefined);
  assert.equal(plainOf(bytesOf("]q\0h\0a.")), undefined);
});

test("a pickle has up to 1,000,000 operations and 200,000 objects", () => {
  const containers = (count: number) => plainOf(bytesOf(`${"}0".repeat(count)}N.`));
  assert.equal(containers(200_000), null);
  assert.throws(() => containers(200_001), /more than 200000 objects/);
  const operations = (count: number) => plainOf(bytesOf(`N${"N0".repeat((count - 2) / 2)}.`));
  assert.equal(operations(1_000_000), null);
  assert.throws(() => operations(1_000_002), /more than 1000000 operations/);
});

/** A numpy scalar of a type, from its bytes in hexadecimal digits. */
const numpyNumber = (code: string, hex: string) => {
  const data = Buffer.from(hex, "hex").toString("latin1");
  const [codeSize, size] = [code, data].map((text) => String.fromCharCode(text.length));
  return plainOf(
    bytesOf(
      `cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU${codeSize}${code}\x89\x88\x87R` +
        `(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbC${size}${data}\x86R.`,
    ),
  );
};

test("a numpy scalar of every type is the number that its little-endian bytes are", () => {
  const numbers: readonly (readonly [code: string, hex: string, value: unknown])[] = [
    ["f8", "000000000000f8bf", -1.5],
    ["f4", "0000c0bf", -1.5],
    ["f2", "00be", -1.5],
    ["i8", "feffffffffffffff", -2],
    ["i4", "feffffff", -2],
    ["i2", "feff", -2],
    ["i1", "fe", -2],
    ["u8", "0102000000000000", 513],
    ["u4", "010200ff", 0xff000201],
    ["u2", "01ff", 0xff01],
    ["u1", "fe", 254],
    ["b1", "01", true],
    ["b1", "00", false],
  ];
  for (const [code, hex, value] of numbers) assert.equal(numpyNumber(code, hex), value, code);
});

test("Python's text of numbers that are none, or without end, is understood", () => {
  const float = (text: string) => plainOf(bytesOf(`F${text}\n.`));
  const { POSITIVE_INFINITY: infinity, NaN: none } = Number;
  assert.deepEqual(["inf", "+inf", "-inf", "nan", "-nan", "-1.5e3", ".5"].map(float), [
    infinity,
    infinity,
    -infinity,
    none,
    none,
    -1500,
    0.5,
  ]);
});

test("a pickle copies up to 1,000,000 values", () => {
  const list = `(${"K\x01".repeat(5000)}lp0\n0`;
  const copies = (count: number) =>
    plainOf(bytesOf(`${list}c__builtin__\nset\np1\n0${"g1\n(g0\ntR0".repeat(count)}N.`));
  assert.equal(copies(200), null);
  assert.throws(() => copies(201), /copies the same values/);
});

test("plain values are up to 32 deep, and up to 100,000", () => {
  const nested = (depth: number) => plainOf(bytesOf(`${"]".repeat(depth)}K\x01${"a".repeat(depth)}.`));
  assert.match(JSON.stringify(nested(32)), /^\[{32}1\]{32}$/);
  assert.equal(nested(33), undefined);
  const many = (count: number) => plainOf(bytesOf(`](${"K\x01".repeat(count)}e.`));
  assert.equal((many(99_999) as unknown[]).length, 99_999);
  assert.equal(many(100_000), undefined);
});

test("numpy's scalars are numbers, whatever numpy calls its own module", () => {
  const scalar = (module: string, code: string, data: string) =>
    `c${module}\nscalar\ncnumpy\ndtype\nU${String.fromCharCode(code.length)}${code}\x89\x88\x87R` +
    `(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbC${String.fromCharCode(data.length)}${data}\x86R.`;
  const eight = "\0\0\0\0\0\0\x0c@";
  assert.equal(plainOf(bytesOf(scalar("numpy.core.multiarray", "f8", eight))), 3.5);
  assert.equal(plainOf(bytesOf(scalar("numpy._core.multiarray", "f4", "\0\0\xc0\x3f"))), 1.5);
  assert.equal(plainOf(bytesOf(scalar("numpy._core.multiarray", "i8", "\x04\0\0\0\0\0\0\0"))), 4);
  assert.throws(() => plainOf(bytesOf(scalar("numpy.core.multiarray", "f8", "\0"))), /f8 of 1 bytes/);
  assert.throws(() => plainOf(bytesOf(scalar("numpy.core.multiarray", "O8", eight))), /not a number/);
});
