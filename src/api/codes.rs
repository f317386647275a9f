//! The one table of what can go wrong: code, status, title in both languages.
//!
//! Clients tell problems apart by the code, which never changes its meaning; the status says who
//! must act: 400 and 422 whoever wrote the request, 401 and 403 whoever gave the token, 404 to 412
//! whoever decided on an old view, 5xx whoever runs the server.

use super::language::Language;
use crate::domain::rejection::Rejection;

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:literal, $english:literal, $chinese:literal;)+) => {
        /// Why a request, or a line of a stream, was not done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "the table gives each its title")]
        pub enum Code { $($variant,)+ }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What clients tell it by.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// One sentence for a reader.
            #[must_use]
            pub const fn title(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, Language::English) => $english,
                    (Self::$variant, Language::Chinese) => $chinese,)+
                }
            }
        }
    };
}

codes! {
    // The request cannot be read.
    MalformedJson = "malformed_json", 400, "the body is not a well-formed JSON object", "请求体不是合法的 JSON 对象";
    BadUtf8 = "bad_utf8", 400, "the body is not UTF-8", "请求体不是 UTF-8 编码";
    InvalidBody = "invalid_body", 400, "the body has invalid fields", "请求体中有无效字段";
    ConfigInvalid = "config_invalid", 400, "the configuration has faults", "配置有错误";
    InvalidPath = "invalid_path", 400, "the path has an invalid part", "路径中有无效部分";
    InvalidQuery = "invalid_query", 400, "the query has an invalid parameter", "查询参数无效";
    CursorInvalid = "cursor_invalid", 400, "the cursor is not valid; begin with the first page", "游标无效，请从第一页开始";
    CursorMismatch = "cursor_mismatch", 400, "the cursor belongs to another query; begin with the first page", "游标属于另一查询，请从第一页开始";
    InvalidHeader = "invalid_header", 400, "a header has an invalid value", "请求头的值无效";
    AtNotDriven = "at_not_driven", 400, "at is for a driven clock only", "只有驱动时钟才接受 at";
    TokenMissing = "token_missing", 401, "a bearer token is needed", "缺少访问令牌";
    TokenUnknown = "token_unknown", 401, "the token is unknown or revoked", "访问令牌无效或已吊销";
    TokenExpired = "token_expired", 401, "the token's time is over", "访问令牌已过期";
    PrincipalRevoked = "principal_revoked", 401, "the token's owner may not act any more", "令牌持有者已无权操作";
    NeedsAdmin = "needs_admin", 403, "only an administrator may do that", "仅管理员可执行此操作";
    ScopeMissing = "scope_missing", 403, "the token lacks the scope that this needs", "令牌缺少此操作所需的权限范围";
    ClaimantConfidential = "claimant_confidential", 403, "the claimant of a confidential matter is for administrators only", "保密事项的诉求人信息仅管理员可查看";
    ScopeTooSmall = "scope_too_small", 403, "the token does not cover the whole city", "令牌的范围不覆盖全市";
    NeedsCentre = "needs_centre", 403, "only a governance room above the case may do that", "仅上级社会治理中心（室）可执行此操作";
    SettlerNotTheHolder = "settler_not_the_holder", 403, "only the unit that the report is routed to may settle it on the spot", "只有受理单位可以当场办结";
    NotTheHolder = "not_the_holder", 403, "the unit acted for does not hold the case", "该单位不是案件当前的责任单位";
    RouteNotFound = "route_not_found", 404, "no such address", "没有这个地址";
    CaseNotFound = "case_not_found", 404, "no such case, or outside what this token may see", "案件不存在，或不在本令牌可见范围内";
    RefUnknown = "ref_unknown", 404, "the reference names no case that is remembered", "引用未指向任何可查的案件";
    UnitUnknown = "unit_unknown", 404, "no such unit, or outside what this token may see", "单位不存在，或不在本令牌可见范围内";
    OutcomeUnknown = "outcome_unknown", 404, "no accepted command of that key is remembered", "没有该幂等键的已受理记录";
    ClientNotFound = "client_not_found", 404, "no such client", "客户端不存在";
    ImportNotFound = "import_not_found", 404, "no such import is open", "没有此进行中的导入";
    MethodNotAllowed = "method_not_allowed", 405, "the address does not take that method", "该地址不支持此方法";
    BodyTimeout = "body_timeout", 408, "the body did not come in time", "请求体未在限时内到达";
    MoveNotAllowed = "move_not_allowed", 409, "the case does not allow that move now", "案件当前状态不允许此操作";
    NothingToReveal = "nothing_to_reveal", 409, "the case has nothing of what was asked for: nothing was shown, and no event was made", "案件没有所请求的诉求人信息：未显示任何内容，也未留下记录";
    SourceNumberTaken = "source_number_taken", 409, "the source gave that number to another case", "该来源编号已属于另一案件";
    AtBeforeNow = "at_before_now", 409, "at lies before the clock", "at 早于当前时钟";
    SourceTaken = "source_taken", 409, "another request drives the clock", "已有另一请求在驱动时钟";
    ClientNameTaken = "client_name_taken", 409, "a client of that name exists", "已有同名客户端";
    TokenTaken = "token_taken", 409, "the token is in use; try again", "该令牌已被使用，请重试";
    LastAdmin = "last_admin", 409, "the last administrator cannot be revoked", "不能吊销最后一个管理员";
    ClientsFull = "clients_full", 409, "no more clients can be admitted", "客户端数量已达上限";
    ImportsFull = "imports_full", 409, "too many imports are open", "进行中的导入过多";
    ImportEmpty = "import_empty", 409, "the import has nothing in it", "导入内容为空";
    TooMuchAtOnce = "too_much_at_once", 409, "more follows from it than one command may do: commit it in parts", "一次操作引起的变更过多，请分批提交";
    ImportIncomplete = "import_incomplete", 409, "the catalogue was not staged whole: propose it again", "事项目录未完整提交，请重新提案";
    ImportOfOtherKind = "import_of_other_kind", 409, "the import brings something else", "该导入为其他类型";
    MatterHasOpenCases = "matter_has_open_cases", 409, "the catalogue drops matters that have open cases: close the cases, or keep the matters", "新目录取消的事项仍有未结案件，请先办结或保留这些事项";
    UnitOrphaned = "unit_orphaned", 409, "what is above the unit is not known, or does not stay as long", "单位的上级不存在，或停用早于该单位";
    UnitNeedsSuccessor = "unit_needs_successor", 409, "the unit holds open cases, may hold some by then, or is to take over itself: name its successor", "单位有未结案件、届时可能有，或已定为接收单位，请指明其接收单位（successor）";
    UnitNotOpen = "unit_not_open", 409, "the unit is closed, or not open yet", "单位已停用或尚未启用";
    UnitCodeTaken = "unit_code_taken", 409, "a unit has, or had, that code", "该代码已被单位使用或曾被使用";
    UnitInCircle = "unit_in_circle", 409, "the units above it come back to it", "上级关系形成环路";
    UnitHasSubunits = "unit_has_subunits", 409, "units that stay longer sit in it or report to it: close or move them first", "单位下仍有届时未停用的下级单位，请先停用或迁移";
    UnitChangedTooOften = "unit_changed_too_often", 409, "the unit has changed as often as a unit may", "单位变更次数已达上限";
    SuccessorNotFound = "successor_not_found", 422, "no unit has the code of the successor", "接收单位不存在";
    SuccessorUnfit = "successor_unfit", 409, "the successor is not open then, is to close itself, or cannot hold what the unit held", "接收单位届时未启用、已预定停用或不能承接";
    TargetClosed = "to_closed", 409, "the unit that should get the case is closed, or not open yet", "接收案件的单位已停用或尚未启用";
    TargetIsHolder = "to_is_holder", 409, "the unit that should get the case holds it already", "接收单位就是当前责任单位";
    TargetUnfit = "to_unfit", 409, "the unit that should get the case is neither below nor beside, as the move needs it", "交办只能给下级单位，转办只能给同级单位";
    UnitClosed = "unit_closed", 409, "the unit acted for is closed, or not open yet", "操作单位已停用或尚未启用";
    OrganisationFull = "organisation_full", 409, "more units or matters than fit", "单位或事项数量超出上限";
    JournalOpen = "journal_open", 409, "the journal is open already", "日志已开启";
    OutOfBounds = "out_of_bounds", 422, "a text is empty, or longer than it may be", "文本为空或超长";
    NoHolder = "no_holder", 409, "no open unit answers for that place", "该地点没有可受理的单位";
    CursorExpired = "cursor_expired", 410, "the cursor is older than 24 hours; begin with the first page", "游标已超过24小时，请从第一页开始";
    OrganisationStale = "organisation_stale", 412, "the organisation has changed since: read it again", "组织机构已变更，请重新读取";
    ConfigStale = "config_stale", 412, "the configuration has changed since: read it again", "配置已变更，请重新读取";
    VersionStale = "version_stale", 412, "the case has changed since it was read: read it again", "案件自读取后已有变更，请重新读取后再提交";
    BodyTooLarge = "body_too_large", 413, "the body is too large", "请求体过大";
    LineTooLong = "line_too_long", 413, "the line is too long", "该行过长";
    TooManyLines = "too_many_lines", 413, "the body has too many lines", "请求体行数过多";
    UnsupportedMediaType = "unsupported_media_type", 415, "the content type is not supported here", "不支持的内容类型";
    UnitNotClosing = "unit_not_closing", 409, "the unit is not told to close", "该单位未预定停用";
    UnitTwice = "unit_twice", 422, "the same unit is named twice", "同一单位出现两次";
    UnitClosesElsewhere = "unit_closes_elsewhere", 422, "a unit is closed by close_unit or an import, not here", "此操作不能停用单位，请使用 close_unit 或导入";
    UnitNotKnown = "unit_not_known", 422, "no unit has that code", "没有该代码的单位";
    TargetNotFound = "to_not_found", 422, "no such unit to send the case to", "接收案件的单位不存在";
    KeyReused = "key_reused", 422, "the idempotency key was used before for another request", "幂等键已用于另一请求";
    UnitMissing = "unit_missing", 422, "the command names no unit to act for", "未指明代表哪个单位操作";
    UnitNotFound = "unit_not_found", 422, "no such unit to act for, or outside what this token may see", "操作单位不存在，或不在本令牌可见范围内";
    PlaceNotFound = "place_not_found", 422, "no such place, or outside what this token may see", "地点不存在，或不在本令牌可见范围内";
    PlaceTooHigh = "place_too_high", 422, "the place must be a township or below", "地点须为乡镇及以下";
    MatterNotFound = "matter_not_found", 422, "no such matter", "事项不存在";
    MatterRetired = "matter_retired", 422, "the catalogue has that matter no more", "该事项已停用";
    MatterTwice = "matter_twice", 422, "a matter stands twice in the catalogue", "事项目录中有重复事项";
    NotOnTheSpot = "not_on_the_spot", 422, "the matter may not be settled on the spot", "该事项不可当场办结";
    OccurredInFuture = "occurred_in_future", 422, "occurred_at lies in the future", "发生时间在未来";
    RangeUnknown = "range_unknown", 422, "no division or grid has that code, so it names no range of places", "该代码不对应任何区划或网格，不能作为范围";
    AdminWithin = "admin_within", 422, "an administrator's place is the whole city: leave within out", "管理员的范围为全市，请去掉 within";
    ExpiresInPast = "expires_in_past", 422, "expires_at does not lie in the future", "到期时间必须在未来";
    RowsOutOfBounds = "rows_out_of_bounds", 422, "the number of rows is outside its bounds", "行数超出范围";
    UnitIncoherent = "unit_incoherent", 422, "kind and code of the unit do not fit", "单位的类型与代码不符";
    UnitClosesInPast = "unit_closes_in_past", 422, "valid_until has passed: without it the unit closes at once", "valid_until 已过；不填则立即停用";
    PreconditionRequired = "precondition_required", 428, "If-Match is required here", "此操作必须带 If-Match";
    QuotaExceeded = "quota_exceeded", 429, "the token's quota for a minute is used up", "令牌每分钟的配额已用完";
    Internal = "internal", 500, "something went wrong on the server", "服务器内部错误";
    JournalUnreadable = "journal_unreadable", 500, "the journal cannot be read there", "日志无法读取";
    Overloaded = "overloaded", 503, "the server is busy; try again", "服务器繁忙，请稍后重试";
    BulkBodiesFull = "bulk_bodies_full", 503, "too many streams are open; try again", "批量请求过多，请稍后重试";
    NotDurable = "not_durable", 503, "the journal cannot be written now; ask for the outcome of the key", "日志暂不可写，请按幂等键查询结果";
    SeqNotReached = "seq_not_reached", 503, "the view has not reached that seq yet", "视图尚未到达该序号";
    Starting = "starting", 503, "the server is starting", "服务器正在启动";
    Stopping = "stopping", 503, "the server is stopping", "服务器正在停止";
    DiskFull = "disk_full", 507, "the disk is full; ask for the outcome of the key", "磁盘已满，请按幂等键查询结果";
    VaultEmpty = "vault_empty", 507, "the vault has no key to seal with, so nothing was done; try again", "密钥库暂无可用密钥，未作处理，请稍后重试";
}

impl Code {
    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The code of that place in the table.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The code of a refusal by the rules: each has one, by a test.
    #[must_use]
    pub fn of(rejection: &Rejection) -> Self {
        Self::from_name(rejection.code()).unwrap_or(Self::Internal)
    }

    /// Seconds after which trying again makes sense; none where it does not by itself.
    #[must_use]
    pub const fn retry_after_seconds(self) -> Option<u32> {
        match self.status() {
            503 => Some(1),
            507 => Some(10),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_row() {
        // A payload that every refusal can be made of: a case, a status, moves and a unit.
        let unit = "411502001000".parse::<crate::domain::code::UnitCode>().unwrap().packed();
        let payloads = [0, unit];
        let of = |number| payloads.iter().find_map(|one| Rejection::from_compact(number, *one));
        let refusals: Vec<_> = (1..).map_while(of).collect();
        assert!(refusals.len() >= 32, "{refusals:?}");
        for refusal in refusals {
            let code = Code::from_name(refusal.code());
            assert!(code.is_some(), "{} has no row", refusal.code());
        }
    }

    #[test]
    fn codes_are_unique_and_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
            assert_eq!(Code::from_number(*code as u16), Some(*code));
            assert!((400..600).contains(&code.status()));
            assert_ne!(code.title(Language::English), code.title(Language::Chinese));
        }
    }
}
