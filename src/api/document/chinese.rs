//! The document for Chinese readers: what operations and tags are called and what they say, beside
//! the English that stands at each handler. All else is told sentence by sentence.

use serde_json::Value;

use super::{about, sentences};
use crate::api::language::Language;

/// Gives the document its Chinese words.
pub(super) fn tell(document: &mut Value) {
    sentences::tell(document);
    document["info"] = about::info(Language::Chinese);
    document["tags"] = about::tags(Language::Chinese);
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in paths.flat_map(|(_, item)| super::methods(item)) {
        let name = operation["operationId"].as_str().unwrap_or_default();
        let Some((_, summary, description)) = TABLE.iter().find(|(known, ..)| *known == name)
        else {
            continue;
        };
        operation["summary"] = (*summary).into();
        operation["description"] = (*description).into();
    }
    document["components"]["examples"] = super::problem_examples(Language::Chinese);
}

/// Operation, summary, description.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str)] = &[
    ("get_docs", "阅读文档", "供人阅读的本文档，不依赖外部资源；转到 `/docs/`。无需令牌。"),
    ("get_health", "查询服务是否存活", "能应答即为 200；`degraded` 说明哪些方面不正常。无需令牌。"),
    ("get_metrics", "读取指标", "Prometheus 文本格式。无需令牌。"),
    ("get_openapi", "读取本文档", "OpenAPI 3.1；按 `Accept-Language` 给出中文或英文。无需令牌。"),
    ("get_ready", "查询服务是否就绪", "无需令牌。"),
    ("get_build", "查看服务版本", "构建、时钟和各项上限。任何令牌可用。"),
    ("get_me", "查看当前令牌", "令牌所属客户端，以及可做什么、在何范围、到何时。任何令牌可用。"),

    ("list_cases", "查询案件", "符合全部条件的案件，同一页取自同一时点。同一条件的多个值以逗号分隔。不给 `status` 时为未结案件；\
        查询已结案件而未给时间时，只回溯 90 天。`ids` 和 `ref` 须单独使用。"),
    ("report_case", "上报案件", "按事项的归属层级和发生地点派给责任单位，应答前已落盘。归属网格或村级的事项，派给该地点所在线上的\
        网格或村；归属乡镇的，派给负责该模块的乡镇内设机构。没有这样的单位时（例如地点高于归属层级，或网格已停用），\
        由该乡镇的社会治理室兜底；没有社会治理室的，由乡镇本身受理；乡镇已停用的，由\
        接收该地点或该乡镇的单位所在乡镇受理；都没有则为 `no_holder`。`place` 最高到乡镇。\
        带 `settle` 时由责任单位当场办结，此时必须带 `by`，并需要 `act` 权限。"),
    ("get_case", "查看案件", "含其来历，以及责任单位现在可做的操作（`moves`）。`ETag` 为其版本，供操作时的 `If-Match` 使用。"),
    ("acknowledge_case", "签收案件", "由责任单位签收。"),
    ("close_case", "结案", "须写明给诉求人的答复。"),
    ("decline_case", "不予受理", "签收前，说明理由后结束。"),
    ("escalate_case", "上报上级", "说明理由，逐级上报，最高到乡镇。节点时限重新计算。"),
    ("hand_down_case", "交办案件", "说明理由，交给下级单位。节点时限重新计算。"),
    ("handle_case", "填报处置情况", "说明采取了什么措施。"),
    ("note_case", "添加备注", "由责任单位、结束该案件的单位，或案件发生地、所在地及其以上的单位添加。"),
    ("reopen_case", "重办案件", "已结案或不予受理的案件，由结束它的单位或上级社会治理中心（室）重办；两项时限重新计算。"),
    ("return_case", "退回案件", "签收前退回给派来的单位；由系统派遣的，退到乡镇社会治理室。"),
    ("reveal_case", "明文查看诉求人", "只在本次应答中显示明文。需要 `act` 权限，案件须在令牌范围之内（按发生地点或责任单位）；\
        可不带 `by`。查看的客户端、单位、时间、字段、用途和文号作为 `case.revealed` 记入案件的历史，凡能查看案件的都能看到。每次显示各留一条记录：同一幂等键重发时只返回 `withheld`；\
        没有可显示的内容时拒绝，不留记录。\
        保密事项的诉求人只有管理员可以查看。"),
    ("get_timeline", "查看案件历史", "案件的全部事实，从最早的开始，分页给出。翻页期间新增的在最后一页。带文本时，文本满 4 MiB 的页提前结束。超过 100,000 条时给出最新的 100,000 条。"),
    ("get_targets", "查看案件可以去往的单位", "责任单位现在可以交办或转办给哪些单位，规则与操作本身相同：列出的都可作为 `to`，其余都会被拒绝。\
        `escalate` 只有一个，即接收案件的单位。案件现在不允许该操作时，应答说明允许哪些。"),
    ("transfer_case", "转办案件", "说明理由，转给同一乡镇的同级单位。节点时限重新计算。"),
    ("void_case", "作废案件", "由乡镇及以上的上级社会治理中心（室）作废明显无效的案件。"),

    ("post_commands", "批量操作", "每行一个 JSON 对象：`{\"command\":\"escalate_case\",\"key\":\"k-1\",\"by\":\"…\",\"case\":17,\"reason\":\"…\"}`。\
        任意操作可混合，按顺序处理，每行一个结果，边发边回。`case` 可为案件号、`{\"key\":…}`（上报时的幂等键，也可指同一请求体中前面的行）\
        或 `{\"source\":…,\"number\":…}`。有误的行单独被拒绝并注明行号，空行没有结果。\n\n\
        结果行：`line` 为行号；已受理的带 `seq`（最后一个事实的序号），涉及案件的带 `case` 和 `version`；被拒绝的带 `error`。\
        责任单位和时限不在结果中，可用 `GET /v1/cases?ids=…` 查询，并以最后的 `seq` 作 `Zhida-Min-Seq`。\n\n\
        请给每一行一个 `key`：连接中断后把整个请求体重发一遍，已受理的行得到同样的结果，其余的补做，不会重复。\
        驱动时钟下可带 `at`，同一时间只能有一个这样的请求。默认一分钟内没有新内容即结束，并有一行结果说明；此前的结果有效。"),
    ("get_outcome", "按幂等键查询结果", "同一令牌以该幂等键提交并已受理的操作的应答，保留 24 小时或至其后又受理 100 万条。正在处理的也能查到，\
        因此可用于确认中断的请求。"),

    ("get_matters", "事项目录", "可以上报的事项、归属层级和时限。已停用的事项也列出，因为旧案件仍会提到。"),
    ("find_units", "查找单位", "按名称的一部分、代码开头、类型、层级和地点查找，须同时符合。按代码排序，含已停用的单位。"),
    ("export_units", "导出单位", "按代码排序，含已停用的单位，可原样导入。不含以前的名称等；带 `at` 时为到该时点应有的单位。"),
    ("get_unit", "查看单位", "单位的现状、待办和以前的情况；带 `at` 时为该时点的情况。"),
    ("get_children", "下级单位", "以该单位为上级的单位，含已停用的，按代码排序。"),
    ("get_ancestors", "上级单位", "逐级向上直到最高一级。"),
    ("get_modules", "乡镇模块", "十个模块，各由哪个内设机构负责，对口县级哪个部门。给出下级单位时，指其所在乡镇。"),
    ("get_inbox", "单位待办", "该单位负责的未结案件，按收到的先后，取自同一时点。"),
    ("get_queue", "本级队列", "设在该单位所在地的所有单位负责的未结案件：包括它自己和旁设机构。社会治理室由此看到本级的案件。"),
    ("get_watch", "值守视图", "发生在该单位及其下级范围内的紧急和突发未结案件（不论由谁负责），以及由其中单位负责的。"),
    ("get_unit_counts", "统计单位的未结案件", "该单位及其直接下级的未结案件，按状态和亮灯统计，取自同一时点，供大屏首页使用。\
        案件计入责任单位所在地及其各级上级。"),
    ("get_counts", "统计全部案件", "供范围覆盖全市的令牌使用；其他令牌用 `GET /v1/units/{code}/counts`。"),

    ("get_events", "拉取事实流", "`after` 之后已发布的事实，从最早的开始。带 `wait` 时等到第一个对该令牌存在的事实为止，最多等待这么多秒。以 `after=last_seq` 继续；只要此后的事实时，\
        从列表的 `as_of_seq` 或 `GET /healthz` 的 `seq` 开始。\
        空页不表示结束，因为令牌看不到的事实不列出；`last_seq` 不再增长才是结束。`after` 超过日志末尾时被拒绝：那是另一份日志的位置。"),

    ("get_organisation", "组织机构概况", "`ETag` 为其版本，供变更时的 `If-Match` 使用。"),
    ("open_unit", "启用单位", "从现在或 `valid_from` 起启用。仅限管理员。"),
    ("change_unit", "变更单位", "名称、上级、模块、启用时间：整行给出。仅限管理员。"),
    ("close_unit", "停用单位", "立即停用；给出 `valid_until` 的，届时停用。接收单位承接其未结案件。仅限管理员。"),
    ("keep_unit", "保留单位", "撤销尚未到时的停用。仅限管理员。"),
    ("split_unit", "拆分单位", "新单位启用，原单位停用，其未结案件由其中一个或另一单位承接。仅限管理员。"),
    ("merge_units", "合并单位", "被合并的单位停用，其未结案件由本单位承接。仅限管理员。"),
    ("move_unit", "迁移单位", "该单位及其中的一切换用新代码；内部编号、历史和未结案件不变，旧代码仍指向它。仅限管理员。"),

    ("get_config", "查看现行配置", "含生效时的文本。`ETag` 为其版本，供提案生效时的 `If-Match` 使用。仅限管理员。"),
    ("get_config_history", "配置历史", "何人何时使何配置生效、变更多少，从最新的开始。仅限管理员。"),
    ("propose_config", "提交事项目录提案", "完整的事项目录，TOML 文本，最多 4 MiB。立即读取，全部错误连同行、列、字段和建议一并返回；\
        无误的保留，生效后才使用。带不超过 56 字节的幂等键时可整体重发。仅限管理员。"),
    ("list_proposals", "进行中的提案", "全部提案，及各自将改动多少；与单位导入合计最多 8 个。仅限管理员。"),
    ("get_proposal", "查看提案", "提案的文本，以及与现行配置的差别。仅限管理员。"),
    ("apply_proposal", "使提案生效", "整体生效。目录中没有的事项停用，不能再上报；仍有未结案件的则拒绝。必须带 `If-Match`：配置的版本。仅限管理员。"),
    ("validate_config", "检查事项目录", "与提案相同的检查，不保留任何内容。仅限管理员。"),

    ("list_clients", "客户端列表", "仅限管理员。"),
    ("admit_client", "新增客户端", "令牌只在本次应答中给出，系统只保存其哈希。仅限管理员。"),
    ("get_client", "查看客户端", "仅限管理员。"),
    ("change_client", "变更客户端权限", "全部权限重新给定，令牌不变。仅限管理员；须留有一个不过期的管理员。"),
    ("rotate_client", "更换客户端令牌", "新令牌只在本次应答中给出。此前最新的令牌在 `overlap_hours` 内继续有效，更早的立即失效。仅限管理员。"),
    ("revoke_client", "吊销客户端", "其令牌立即失效。仅限管理员；须留有一个不过期的管理员。"),
    ("begin_import", "开始导入单位", "先暂存各行，再提交。仅限管理员。"),
    ("list_imports", "进行中的导入", "全部导入，包括提案，最多 8 个。仅限管理员。"),
    ("get_import", "查看进行中的导入", "仅限管理员。"),
    ("abandon_import", "放弃导入", "暂存的内容作废，提案也可如此放弃。仅限管理员。"),
    ("commit_import", "提交导入", "暂存的内容与现有内容相容时整体生效。随之停用且有未结案件的单位须指明接收单位。必须带 `If-Match`：\
        组织机构的版本，提案则为配置的版本。仅限管理员。"),
    ("get_findings", "查看导入的问题", "现在妨碍其单位生效的全部问题，含提交时首先报告的一个。仅限管理员。"),
    ("stage_text", "暂存原文", "供阅读：日志把它与各行一同保存。仅限管理员。"),
    ("stage_units", "暂存单位", "每行一个单位，或带表头的 CSV，其中 `modules` 以 `;` 分隔；行数不限，全部读完才暂存。\
        带不超过 56 字节的幂等键时可整体重发。仅限管理员。"),
    ("advance_clock", "推进驱动时钟", "到该时点为止应触发的先触发。仅限管理员。"),
    ("get_records", "读取原始日志", "已发布的完整值，从含 `from` 的那个开始，供 `verify`、`inspect`、`backup` 和跟随者使用。每个值依次为首个序号（u64）、\
        长度（u32），均为小端，以及其字节。有则至少给出一个。`Zhida-Seq` 为最后一个值的首个序号，没有时为 0；从其所含事实之后继续。仅限管理员。"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document::{document, operations};

    fn is_chinese(text: &Value) -> bool {
        text.as_str().is_some_and(|text| {
            text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
        })
    }

    #[test]
    fn every_operation_has_chinese_words() {
        let english = document();
        let mut chinese = english.clone();
        tell(&mut chinese);
        for (method, path, operation) in operations(&chinese) {
            let name = operation["operationId"].as_str().unwrap();
            assert!(TABLE.iter().any(|(known, ..)| *known == name), "{name} has no Chinese words");
            for field in ["summary", "description"] {
                assert!(is_chinese(&operation[field]), "{method} {path}: {field}");
            }
        }
        for (name, ..) in TABLE {
            let is_there = operations(&english).any(|(.., one)| one["operationId"] == *name);
            assert!(is_there, "{name} is no operation");
        }
        for tag in chinese["tags"].as_array().unwrap() {
            assert!(is_chinese(&tag["description"]), "{tag}");
        }
    }

    #[test]
    fn the_english_words_are_english() {
        let document = document();
        for (method, path, operation) in operations(&document) {
            for field in ["summary", "description"] {
                assert!(!is_chinese(&operation[field]), "{method} {path}: {field}");
            }
        }
        assert!(
            document["tags"].as_array().unwrap().iter().all(|tag| !is_chinese(&tag["description"]))
        );
    }

    /// A quotation of the API in Chinese names what the English one does.
    #[test]
    fn chinese_descriptions_name_addresses_that_exist() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        for (name, _, description) in TABLE {
            for quoted in description.split('`').skip(1).step_by(2) {
                let Some((_, path)) = quoted.split_once(" /v1/") else { continue };
                let path = path.split('?').next().unwrap_or_default();
                assert!(paths.contains_key(&format!("/v1/{path}")), "{name}: {quoted}");
            }
        }
    }
}
