//! How the document introduces itself: first steps, conventions, every problem in both languages.

use serde_json::{Value, json};

use crate::api::codes::Code;
use crate::api::language::Language;

const ENGLISH: &str = "\
Zhida (直达), the dispatch core of a city's grid governance.

**First steps.** Press *Authorize* and give a token. `GET /v1/me` says what it may do, and where; \
`GET /v1/matters` what can be reported; `GET /v1/units?kind=grid` finds a place, by `name` or \
`within` a unit. Then `POST /v1/cases` reports a case at a place and answers with its number and its holder; \
`POST /v1/cases/{id}/acknowledge`, `…/handle` and `…/close`, with `by` the holder's code, bring it to \
its end; `GET /v1/cases/{id}` shows it, and in `moves` what may be done next; `GET /v1/events` is the \
feed of everything.

**Conventions.** Units are named by code: 12 digits for a division, 15 for a grid, 12 digits with a \
letter and two digits for any other. Times are RFC 3339 with an offset; in a query its `+` is best \
written `%2B`. An answered command is durable. Every answer carries `Zhida-Clock`; every answer to a \
write `Zhida-Seq`, which a read may ask for as `Zhida-Min-Seq`. A write with an `Idempotency-Key` may be \
sent again: an answer with `Zhida-Repeat: true` is that of the first time, and nothing was done anew. This \
document and the texts of problems are Chinese with `Accept-Language: zh`. An operation that will go is \
marked deprecated here, and its answers say since when and until when (`Deprecation`, `Sunset`).

**Tokens.** A token has scopes: `intake` reports, `act` moves cases on and reveals, `read` reads, \
`directive` is for what is to come, `admin` administers and holds all others. Each operation says which one it \
needs. `by` may be any open unit in the token's places.

**Versions and keys.** `ETag` is a case's version: it counts every event of the case, so a warning, a note \
or a reveal changes it as a move does. `If-Match` is no part of what a key stands for: the same request may \
come again under its key with another version. The same key at another address is another request.

**Time.** `GET /healthz` tells what the server's clock says (`now`). `Zhida-Clock` is `system` as a rule; on \
`driven`, for replays and tests, time goes on with the `at` of what is sent, by any client that may send it. Only a \
report has a time of its own, `occurred_at`; what is done with it later counts from when it is received.

**Problems.** `code` tells them apart. `errors` has the fields that are wrong, each by a JSON pointer: all \
whose form is wrong at once, and then the first that a rule refuses, with its value and where to look. What \
the address names has no pointer and stands in `detail`. `moves` \
are the moves allowed now, `version` is the one that the case has.

<details><summary>Problems (RFC 9457), told apart by `code`</summary>

| code | status | title | 标题 |
|---|---|---|---|
";

const CHINESE: &str = "\
直达：城市网格化治理的调度核心。

**上手。** 点 *Authorize* 填入访问令牌。`GET /v1/me` 查令牌的权限和范围；`GET /v1/matters` 查事项目录；\
`GET /v1/units?kind=grid` 查地点，可按 `name` 或 `within` 缩小；`POST /v1/cases` 上报案件，返回案件号和责任单位；\
以责任单位的代码作 `by`，依次 `…/acknowledge` 签收、`…/handle` 处置、`…/close` 结案；`GET /v1/cases/{id}` 查看案件，\
`moves` 是现在可做的操作；`GET /v1/events` 是全部事实的流。

**约定。** 单位以代码指称：区划 12 位数字，网格 15 位，其他单位为 12 位数字、“-”、一个字母和两位数字。时间为带时区的 RFC 3339，\
在查询参数中 `+` 宜写作 `%2B`。收到应答的操作已经落盘。每个应答带 `Zhida-Clock`，写操作的应答带 `Zhida-Seq`，读请求可用 \
`Zhida-Min-Seq` 要求读到它。带 `Idempotency-Key` 的写操作可以重发：应答带 `Zhida-Repeat: true` 的，是第一次的应答，没有再做一遍。\
请求头 `Accept-Language: zh` 得到中文的文档和问题说明。将停用的接口在此标为 deprecated，其应答以 `Deprecation`、`Sunset` 说明起止时间。

**令牌。** 令牌的权限：`intake` 上报，`act` 办理案件和明文查看，`read` 查询，`directive` 预留给指令，`admin` 管理并含其他全部权限。\
各接口注明所需权限。`by` 可以是令牌范围内任一在用单位。

**版本与幂等键。** `ETag` 是案件的版本，案件的每一事实都使其增加，预警、备注、明文查看与办理操作一样。`If-Match` 不属于幂等键所指的内容：\
同一请求可以用同一键、带另一版本重发。同一键用于另一地址的，是另一请求。

**时间。** `GET /healthz` 给出服务器时钟的当前时间（`now`）。`Zhida-Clock` 通常为 `system`；为 `driven` 时用于回放和测试，时间随所发内容的 `at` \
前进，任何可以发送的客户端都会推动它。只有上报带有自己的时间 `occurred_at`，其后的操作以收到的时间为准。

**问题。** 以 `code` 区分。`errors` 以 JSON 指针列出有误的字段：格式有误的一次列全，其后按规则逐项拒绝，并附所给的值和应到哪里查；\
地址中所给的没有指针，写在 `detail` 中。\
`moves` 是现在可做的操作，`version` 是案件现在的版本。

<details><summary>问题一览（RFC 9457），以 code 区分</summary>

| code | status | title | 标题 |
|---|---|---|---|
";

/// What the tags say in both languages, in the order of the docs.
const TAGS: &[(&str, &str, &str)] = &[
    ("cases", "Report cases and move them", "上报案件，签收、处置、结案"),
    ("commands", "Streams of commands, and what became of them", "批量操作及其结果"),
    ("units", "Who there is, what they hold, how all stands", "单位、待办、事项目录和总体情况"),
    ("events", "The feed", "事实流"),
    ("system", "Who asks; health, metrics, build", "当前令牌，健康、指标、版本"),
    ("organisation", "Change who there is", "变更组织机构"),
    ("configuration", "The catalogue: propose, compare, apply", "事项目录的提案、比较和生效"),
    ("administration", "Clients, imports, clock, raw journal", "客户端、导入、时钟、原始日志"),
];

pub(super) fn info(language: Language) -> Value {
    let about = match language {
        Language::English => ENGLISH,
        Language::Chinese => CHINESE,
    };
    let rows: Vec<String> = Code::ALL
        .iter()
        .map(|code| {
            let (name, status) = (code.name(), code.status());
            let (english, chinese) = (code.title(Language::English), code.title(Language::Chinese));
            format!("| `{name}` | {status} | {english} | {chinese} |\n")
        })
        .collect();
    let description = [about, &rows.concat(), "\n</details>\n"].concat();
    json!({
        "title": "Zhida 直达",
        "version": env!("CARGO_PKG_VERSION"),
        "description": description,
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    })
}

pub(super) fn tags(language: Language) -> Value {
    let told = |english: &'static str, chinese: &'static str| match language {
        Language::English => english,
        Language::Chinese => chinese,
    };
    let tag = |(name, english, chinese): &(&str, &'static str, &'static str)| json!({ "name": name, "description": told(english, chinese) });
    TAGS.iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document;

    #[test]
    fn every_tag_is_explained_and_every_explanation_used() {
        let document = document::document();
        for (method, path, operation) in document::operations(&document) {
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            assert!(TAGS.iter().any(|(name, ..)| *name == tag), "{method} {path}: {tag}");
        }
        for (name, ..) in TAGS {
            let is_used = document::operations(&document).any(|(.., one)| one["tags"][0] == *name);
            assert!(is_used, "{name}");
        }
    }
}
