// Report a case, follow it, close it: with fetch alone, typed by the OpenAPI document.
//
//   npx openapi-typescript http://127.0.0.1:8750/openapi.json --output zhida.ts
//   npx tsc --strict --target es2022 --module es2022 --moduleResolution bundler --types node report.mts
//   ZHIDA_TOKEN=zhida_… node report.mjs MATTER PLACE
//
// MATTER is a code of the catalogue, PLACE a grid's code.

import type { components } from "./zhida";

type Schemas = components["schemas"];
type Accepted = Schemas["Accepted"];

const url = process.env.ZHIDA_URL ?? "http://127.0.0.1:8750";
const token = process.env.ZHIDA_TOKEN ?? "";

/** What the server says when a request is not done (RFC 9457). */
class ProblemError extends Error {
  readonly told: Schemas["Problem"];

  constructor(told: Schemas["Problem"]) {
    super(`${told.code}: ${told.title}`);
    this.told = told;
  }
}

/** Asks the server; the same key makes a second try harmless. */
async function call<Answer>(method: "GET" | "POST", path: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = {
    Authorization: `Bearer ${token}`,
    "Accept-Language": "zh-CN",
  };
  if (method === "POST") {
    headers["Content-Type"] = "application/json";
    headers["Idempotency-Key"] = crypto.randomUUID();
  }
  for (let tries = 4; ; tries -= 1) {
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    if (answer.ok) {
      return (await answer.json()) as Answer;
    }
    const again = answer.headers.get("Retry-After");
    if (again === null || tries <= 1) {
      throw new ProblemError((await answer.json()) as Schemas["Problem"]);
    }
    await new Promise((done) => setTimeout(done, Number(again) * 1000));
  }
}

const [matter, place] = process.argv.slice(2);
if (token === "" || matter === undefined || place === undefined) {
  throw new Error("ZHIDA_TOKEN=… node report.mjs MATTER PLACE");
}

const report: Schemas["ReportCase"] = {
  matter,
  place,
  source: "resident",
  text: "桥头路灯不亮，夜间行人看不清台阶。",
  claimant: { name: "张三", phone: "13900000000" },
};
const reported = await call<Accepted>("POST", "/v1/cases", report);
const id = reported.case;
const holder = reported.holder ?? "";
console.log(`案件 ${id} 已上报，责任单位 ${holder}，期限 ${reported.node_due_at}`);

const acknowledge: Schemas["AcknowledgeCase"] = { by: holder };
await call<Accepted>("POST", `/v1/cases/${id}/acknowledge`, acknowledge);
console.log("已签收");
const handle: Schemas["HandleCase"] = { by: holder, measures: "已更换灯泡。" };
await call<Accepted>("POST", `/v1/cases/${id}/handle`, handle);
console.log("已处置");
const close: Schemas["CloseCase"] = { by: holder, answer: "路灯已修好。" };
await call<Accepted>("POST", `/v1/cases/${id}/close`, close);
console.log("已结案");

// The feed since the report, page by page, until the case is closed.
let after = reported.seq - 1;
for (let isClosed = false; !isClosed; ) {
  const page = await call<Schemas["Events"]>("GET", `/v1/events?after=${after}&wait=5`);
  after = page.last_seq;
  for (const event of page.events.filter((one) => one.case === id)) {
    console.log(`  ${event.at} ${event.type}`);
    isClosed ||= event.type === "case.closed";
  }
}

try {
  await call<Accepted>("POST", `/v1/cases/${id}/close`, close);
} catch (error) {
  if (!(error instanceof ProblemError)) {
    throw error;
  }
  console.log(`再次结案：${error.told.title}（${error.told.code}）`);
}
const now = await call<Schemas["Case"]>("GET", `/v1/cases/${id}`);
console.log(`现在：${now.status}`);
export {};
