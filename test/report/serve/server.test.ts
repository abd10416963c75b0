import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { livePage, serveReport } from "#pefd/report/server.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** One request as a program makes it, whatever name it says that it wants. */
function ask(
  url: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((done, failed) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        done({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    asked.on("error", failed).end();
  });
}

/** A served folder of runs; its clock goes on by ten seconds with each look. */
async function serve(t: TestContext) {
  const dir = temporaryFolder(t);
  let now = Date.now();
  const clock = () => {
    now += 10_000;
    return now;
  };
  const server = await serveReport(
    livePage([dir], () => undefined, clock),
    0,
  );
  t.after(() => server.close());
  return { dir, ...server };
}

describe("a served page", () => {
  it("is given to whoever knows its address, and to nobody else", async (t) => {
    const { url } = await serve(t);
    const { status, text, headers } = await ask(url);
    assert.equal(status, 200);
    assert.match(text, /<h1[^>]*>No runs yet<\/h1>/);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers["referrer-policy"], "no-referrer");
    const { origin, pathname } = new URL(url);
    assert.match(pathname, /^\/[\w-]{22}$/);
    for (const path of ["/", "/favicon.ico", `${pathname}x`, `${pathname}/../`, "/../../etc/passwd"]) {
      assert.equal((await ask(`${origin}${path}`)).status, 404, path);
    }
  });

  it("does not answer to another name, which a page elsewhere could have made lead here", async (t) => {
    const { url } = await serve(t);
    for (const host of ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil"]) {
      assert.equal((await ask(url, { headers: { host } })).status, 403, host);
    }
    assert.equal((await ask(url, { headers: { host: "localhost:8888" } })).status, 200, "a tunnel");
  });

  it("can only be read", async (t) => {
    const { url } = await serve(t);
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const { status, headers } = await ask(url, { method });
      assert.deepEqual([status, headers.allow], [405, "GET, HEAD"], method);
    }
    const head = await ask(url, { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
  });

  it("is the same until runs go on, are added, damaged or removed", async (t) => {
    const { dir, url } = await serve(t);
    let etag = "";
    const changed = async () => {
      const { status, headers, text } = await ask(url, { headers: { "if-none-match": etag } });
      assert.equal(status, 200);
      assert.notEqual(headers.etag, etag);
      etag = String(headers.etag);
      return text;
    };
    await changed();
    await writeRun(dir, "one", { epochs: 9, done: 2 });
    assert.match(await changed(), /one: unfinished, epoch 2 of 9/);
    const same = await ask(url, { headers: { "if-none-match": etag } });
    assert.deepEqual([same.status, same.text], [304, ""]);
    await writeRun(dir, "one", { epochs: 9, done: 3 });
    assert.match(await changed(), /one: unfinished, epoch 3 of 9/);
    await writeRun(dir, "two", { epochs: 3, config: { distill: "kd" } });
    assert.match(await changed(), /2 experiments, 2 runs, 1 finished/);
    writeFileSync(join(dir, "two/epochs.csv"), "damaged\n");
    assert.match(await changed(), /two\/epochs\.csv is not a log of epochs/);
    rmSync(join(dir, "two"), { recursive: true });
    assert.match(await changed(), /1 experiment, 1 run, 0 finished/);
    rmSync(dir, { recursive: true });
    assert.match(await changed(), /No such folder/);
    mkdirSync(dir);
    await writeRun(dir, "three", { epochs: 3 });
    assert.match(await changed(), /1 run, 1 finished/);
  });

  it("says it where another program has the port", async (t) => {
    const { url, dir } = await serve(t);
    const port = Number(new URL(url).port);
    await assert.rejects(
      serveReport(
        livePage([dir], () => undefined),
        port,
      ),
      {
        exitCode: 2,
        message: `Port ${port} is already in use.`,
      },
    );
  });
});
