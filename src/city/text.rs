//! What people say and what they are told, put together from fragments: varied enough that
//! compression flatters nobody, about 280 bytes for a report. Written straight into a line: no
//! fragment holds a character that JSON escapes, as a test proves.

use super::draw::Words;
use super::names;

const WHEN: [&str; 12] = [
    "今天上午，",
    "今天下午，",
    "昨天傍晚，",
    "昨晚八点左右，",
    "今早六点多，",
    "近两天来，",
    "上周末起，",
    "本周一开始，",
    "刚才，",
    "中午放学时，",
    "雨停之后，",
    "赶集当天，",
];
const WHO: [&str; 10] = [
    "网格员巡查到",
    "居民来电说，在",
    "有住户在群里反映，",
    "楼栋长上报，",
    "村民代表提出，",
    "志愿者走访中看到，",
    "过路群众反映，",
    "商户打电话说，",
    "物业转来消息，",
    "党员中心户反映，",
];
const WHERE: [&str; 20] = [
    "东头路口",
    "村部广场旁",
    "小学门前",
    "二号楼一单元门口",
    "北侧围墙边",
    "菜市场入口",
    "河堤转弯处",
    "老供销社对面",
    "卫生室后面",
    "健身器材旁",
    "公交站牌附近",
    "水塘边上",
    "西边巷子里",
    "桥头第三家门前",
    "停车棚里",
    "六号楼电梯口",
    "文化大院门口",
    "机耕路中段",
    "变压器下面",
    "祠堂前空地",
];
const DETAIL: [&str; 14] = [
    "到现在已有三天左右，范围大约十几平方米，",
    "情况时好时坏，夜里比白天更明显一些，",
    "前后涉及七八户人家，双方说法还不一致，",
    "现场已经拍照留存，暂时没有人员受伤，",
    "之前口头提醒过两次，过后又出现了，",
    "据说是上个月施工之后才慢慢出现的，",
    "面积不大，但是正好挡在必经的路上，",
    "一下雨就更加严重，水能没过脚面，",
    "附近住着几位行动不便的独居老人，",
    "具体原因还不清楚，需要懂行的人看一看，",
    "目前用木板和绳子简单围了起来，",
    "对方情绪比较激动，劝说后暂时平静，",
    "涉及的东西已经登记，钥匙由邻居保管，",
    "大家都在群里议论，已有二十多人附和，",
];
const SINCE: [&str; 12] = [
    "前后问过几家都说不清楚，",
    "前天才有人来看过一次，",
    "去年这个时候也有过一回，",
    "周边十几户都受到影响，",
    "打过物业电话没有人接，",
    "镇上干部路过时也看见了，",
    "网格群里已经发过照片，",
    "到晚上就没有人敢走了，",
    "据说原来的负责人换了，",
    "大家凑钱也解决不了，",
    "路过的车辆要停下来让，",
    "算下来快有一个星期了，",
];
const EFFECT: [&str; 12] = [
    "老人孩子进出很不方便，",
    "晚上骑车容易出危险，",
    "影响周围住户正常休息，",
    "担心时间久了会出事，",
    "气味和声响大家意见很大，",
    "眼看要下大雨，大家着急，",
    "接送孩子的车都要绕路，",
    "已经耽误了地里的农活，",
    "店里的生意受到影响，",
    "群众希望能有个准信，",
    "邻里之间因此闹得不愉快，",
    "多数住户愿意配合处理，",
];
const ASK: [&str; 10] = [
    "请尽快派人到现场看看并给个答复。",
    "希望今天之内能有人处理。",
    "请帮助协调，处理好后告知一声。",
    "盼望彻底解决，不要反复。",
    "请核实情况，按规定办理。",
    "希望有关方面上门说明政策。",
    "请先做好防护，再安排维修。",
    "需要帮忙联系相关人员到场。",
    "请登记在册并跟踪到底。",
    "希望两天内能看到变化。",
];
const AGAIN: [&str; 4] =
    ["同一件事又有人来说，", "另一户也反映同样的情况，", "此前已有人报过，", "邻居再次提到，"];

const DONE: [&str; 10] = [
    "已到现场查看，当场清理完毕",
    "已上门调解，双方当面说清并和解",
    "已联系维修师傅，更换了损坏的部件",
    "已劝导当事人，立即整改到位",
    "已设置警示标志并消除隐患",
    "已代为办理，材料当面交给本人",
    "已讲解有关政策，群众表示明白",
    "已组织志愿者一起动手清理干净",
    "已与物业约定专人每天巡看",
    "已协调车辆和人手，半天内完成",
];
const FOLLOW: [&str; 8] = [
    "，拍照留存。",
    "，本人表示满意。",
    "，三天后再回访一次。",
    "，并提醒周围住户注意。",
    "，处理情况已在群里公布。",
    "，已登记台账。",
    "，后续由网格员每周查看。",
    "，谢谢您的反映。",
];
const WHY: [&str; 8] = [
    "网格内没有相应的设备和人手，",
    "涉及两个网格，需要上级统一协调，",
    "双方多次调解未能达成一致，",
    "所需费用超出本级可以支配的范围，",
    "需要专业人员鉴定后才能处理，",
    "问题牵涉土地和规划，本级无权决定，",
    "当事人要求上一级出面主持，",
    "已自行处置两次，效果不能保持，",
];
const TRIED: [&str; 6] = [
    "已做好现场防护并安抚群众，请接手处理。",
    "此前的走访记录和照片一并上报。",
    "请上级牵头，我们全力配合。",
    "已告知当事人办理进展。",
    "恳请尽快安排，避免矛盾扩大。",
    "相关住户名单已经核对清楚。",
];
const ASIDE: [&str; 6] = [
    "现场不在本网格范围内，",
    "按职责分工应由下述单位办理，",
    "地点位于相邻网格一侧，",
    "属网格力所能及的事项，",
    "核对地图后确认属地有误，",
    "当事人住址在另一网格，",
];
const NO_CASE: [&str; 6] = [
    "与本辖区事项无关，不予受理。",
    "内容为广告推销，没有具体诉求。",
    "同一内容重复发送，已另行登记。",
    "属于司法程序中的事项，已告知途径。",
    "经核实没有此地此事。",
    "内容无法辨认，也联系不上反映人。",
];
const UNSOLVED: [&str; 6] = [
    "回访时群众表示问题没有解决，",
    "雨后同一位置再次出现，",
    "更换的部件又坏了，",
    "双方和解后又起争执，",
    "答复内容与现场不符，",
    "只处理了一部分，",
];

/// What is reported: when, by whom, where, of what, how bad, what for.
pub(super) fn report(out: &mut Vec<u8>, words: &mut Words, place: &str, matter: &str, again: bool) {
    if again {
        put(out, words.pick(&AGAIN));
    }
    put(out, words.pick(&WHEN));
    put(out, words.pick(&WHO));
    super::step::escaped(out, place);
    put(out, words.pick(&WHERE));
    put(out, "有“");
    super::step::escaped(out, matter);
    put(out, "”的情况，");
    put(out, words.pick(&DETAIL));
    put(out, words.pick(&SINCE));
    put(out, words.pick(&EFFECT));
    put(out, words.pick(&ASK));
}

/// What was done, or what the claimant is told.
pub(super) fn outcome(out: &mut Vec<u8>, words: &mut Words) {
    put(out, words.pick(&DONE));
    put(out, words.pick(&FOLLOW));
}

/// Why a case goes to another unit of the same level, or below.
pub(super) fn aside(out: &mut Vec<u8>, words: &mut Words) {
    put(out, words.pick(&ASIDE));
    put(out, "请接手办理。");
}

/// Why a case is none.
pub(super) fn no_case(out: &mut Vec<u8>, words: &mut Words) {
    put(out, words.pick(&NO_CASE));
}

/// Why a case is opened again.
pub(super) fn again(out: &mut Vec<u8>, words: &mut Words) {
    put(out, words.pick(&UNSOLVED));
    put(out, "请重新办理并告知结果。");
}

/// Why a case goes one level up.
pub(super) fn up(out: &mut Vec<u8>, words: &mut Words) {
    put(out, words.pick(&WHY));
    put(out, words.pick(&TRIED));
}

/// A claimant who does not exist, with a phone that no one can have: mobile numbers begin with 13
/// and above, these with 12.
pub(super) fn claimant(out: &mut Vec<u8>, words: &mut Words, place: &str) {
    let (surname, given) = names::person(words);
    put(out, r#"{"name":""#);
    put(out, surname);
    put(out, given);
    put(out, r#"","phone":"12"#);
    super::step::padded(out, words.below(1_000_000_000), 9);
    put(out, r#"","address":""#);
    super::step::escaped(out, place);
    super::step::number(out, 1 + words.below(180));
    put(out, r#"号"}"#);
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_about_280_bytes_and_seldom_repeats() {
        let mut seen = std::collections::BTreeSet::new();
        let mut bytes = 0;
        for case in 0..10_000 {
            let mut out = Vec::new();
            report(&mut out, &mut Words::of(1, case, 0), "李湾村第三网格", "邻里纠纷", false);
            bytes += out.len();
            seen.insert(out);
        }
        assert!((260..300).contains(&(bytes / 10_000)), "{} bytes", bytes / 10_000);
        assert!(seen.len() > 9_900, "{} of 10,000", seen.len());
    }
}
