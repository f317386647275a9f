//! Names. Those that the source article gives stand here by name; all others are put together.

use super::draw::Words;

/// What a township is; its serial in the county's block of codes follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TownshipKind {
    /// 街道: 001 to 099.
    Street,
    /// 镇: 100 to 199.
    Town,
    /// 乡: 200 to 399.
    Rural,
}

impl TownshipKind {
    /// The first serial of its block.
    pub(super) const fn first_serial(self) -> u64 {
        match self {
            Self::Street => 1,
            Self::Town => 100,
            Self::Rural => 200,
        }
    }

    /// How its name ends.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Street => "街道",
            Self::Town => "镇",
            Self::Rural => "乡",
        }
    }
}

/// A county as the city has it.
pub(super) struct County {
    /// The last two of its six digits.
    pub(super) serial: u64,
    pub(super) name: &'static str,
    /// Townships and streets at scale 1: assumed, but their sum is the source's 209.
    pub(super) townships: u64,
    /// How many of ten are streets and towns: assumed.
    pub(super) streets_in_ten: u64,
    pub(super) towns_in_ten: u64,
    /// Townships that the source names here.
    pub(super) named: &'static [(TownshipKind, &'static str)],
}

const fn county(
    serial: u64,
    name: &'static str,
    townships: u64,
    [streets_in_ten, towns_in_ten]: [u64; 2],
    named: &'static [(TownshipKind, &'static str)],
) -> County {
    County { serial, name, townships, streets_in_ten, towns_in_ten, named }
}

/// 信阳市's ten counties and districts, and 羊山新区 as 411571: that code is assumed, from the
/// range that development areas take.
pub(super) const COUNTIES: [County; 11] = [
    county(2, "浉河区", 18, [5, 3], &[(TownshipKind::Rural, "十三里桥乡")]),
    county(
        3,
        "平桥区",
        19,
        [3, 4],
        &[(TownshipKind::Town, "邢集镇"), (TownshipKind::Street, "五里店街道办事处")],
    ),
    county(21, "罗山县", 19, [2, 5], &[]),
    county(22, "光山县", 19, [2, 5], &[]),
    county(23, "新县", 15, [1, 4], &[(TownshipKind::Town, "苏河镇")]),
    county(24, "商城县", 21, [2, 5], &[]),
    county(25, "固始县", 33, [1, 6], &[]),
    county(26, "潢川县", 20, [2, 5], &[]),
    county(27, "淮滨县", 18, [2, 4], &[]),
    county(28, "息县", 22, [2, 5], &[(TownshipKind::Street, "龙湖街道")]),
    county(71, "羊山新区", 5, [10, 0], &[(TownshipKind::Street, "前进街道")]),
];

/// Communities that the source names, with their street and the grids that it speaks of.
pub(super) const NAMED_COMMUNITIES: [(&str, &str, u64); 2] =
    [("龙湖街道", "望淮桥社区", 1), ("前进街道", "新都社区", 2)];

const TOWNSHIP_FIRST: [&str; 24] = [
    "青", "石", "白", "柳", "枣", "仁", "双", "东", "西", "南", "北", "安", "永", "福", "吉", "文",
    "明", "金", "银", "云", "竹", "梅", "松", "兰",
];
const TOWNSHIP_SECOND: [&str; 24] = [
    "河", "山", "桥", "店", "岗", "湾", "林", "畈", "庙", "寨", "坡", "塘", "溪", "井", "岭", "铺",
    "楼", "集", "港", "堰", "洼", "台", "冲", "泉",
];
const SURNAMES: [&str; 40] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴", "徐", "孙", "胡", "朱", "高", "林",
    "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹",
    "袁", "邓", "许", "傅", "沈", "曾", "彭", "吕",
];
const VILLAGE_SECOND: [&str; 20] = [
    "湾", "庄", "楼", "店", "岗", "寨", "营", "畈", "洼", "塘", "冲", "围", "台", "坊", "桥", "园",
    "圩", "棚", "堂", "榜",
];
const COMMUNITY_FIRST: [&str; 16] = [
    "和平", "幸福", "胜利", "光明", "建设", "文化", "民主", "新华", "团结", "友谊", "春晓", "康宁",
    "锦绣", "平安", "向阳", "河滨",
];
const COMMUNITY_SECOND: [&str; 12] =
    ["路", "里", "苑", "坊", "园", "桥", "街", "湖", "门", "台", "湾", "城"];
const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
    "超", "霞", "平", "刚", "桂英", "建国", "玉兰", "志强", "秀珍", "海燕", "国庆", "小红", "文博",
    "雨欣", "子涵", "德明", "春梅", "家豪", "永福", "晓东", "丽华", "长青", "新民", "月英",
];

/// Township names that come in no other place: all pairs, from a place that the seed gives.
pub(super) fn township(ordinal: u64, kind: TownshipKind) -> String {
    pair(&TOWNSHIP_FIRST, &TOWNSHIP_SECOND, ordinal, kind.ending())
}

/// The village or community of that ordinal in its township.
pub(super) fn village(ordinal: u64, is_community: bool) -> String {
    if is_community {
        pair(&COMMUNITY_FIRST, &COMMUNITY_SECOND, ordinal, "社区")
    } else {
        pair(&SURNAMES, &VILLAGE_SECOND, ordinal, "村")
    }
}

/// `第十二网格`.
pub(super) fn grid_ending(serial: u64) -> String {
    format!("第{}网格", chinese(serial))
}

/// A person who does not exist.
pub(super) fn person(words: &mut Words) -> (&'static str, &'static str) {
    (words.pick(&SURNAMES), words.pick(&GIVEN))
}

/// Steps through all pairs of the two lists before one comes again.
fn pair(first: &[&str], second: &[&str], ordinal: u64, ending: &str) -> String {
    let all = first.len() as u64 * second.len() as u64;
    // 229 shares no factor with the sizes of the tables, so the steps reach every pair.
    let at = super::draw::index(ordinal.wrapping_mul(229) % all);
    format!("{}{}{ending}", first[at % first.len()], second[at / first.len()])
}

/// A number from 1 to 999 in Chinese.
fn chinese(number: u64) -> String {
    const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |of: u64| DIGITS[super::draw::index(of % 10)];
    let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
    let mut text = String::new();
    if hundreds > 0 {
        text.push_str(digit(hundreds));
        text.push('百');
    }
    match (hundreds, tens, ones) {
        (0, 1, _) => text.push('十'),
        (1.., 0, 1..) => text.push('〇'),
        (_, 0, _) => {}
        (..) => {
            text.push_str(digit(tens));
            text.push('十');
        }
    }
    if ones > 0 {
        text.push_str(digit(ones));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_are_written_as_the_city_writes_them() {
        let numbers = [1, 2, 10, 11, 20, 35, 100, 101, 110, 999];
        let texts = [
            "一",
            "二",
            "十",
            "十一",
            "二十",
            "三十五",
            "一百",
            "一百〇一",
            "一百一十",
            "九百九十九",
        ];
        assert_eq!(numbers.map(chinese), texts);
    }

    #[test]
    fn every_pair_of_a_table_comes_before_one_comes_again() {
        let townships: BTreeSet<_> = (0..576).map(|at| township(at, TownshipKind::Town)).collect();
        assert_eq!(townships.len(), 576);
        let villages: BTreeSet<_> = (0..800).map(|at| village(at, false)).collect();
        assert_eq!(villages.len(), 800);
        let communities: BTreeSet<_> = (0..192).map(|at| village(at, true)).collect();
        assert_eq!(communities.len(), 192);
    }

    #[test]
    fn the_townships_of_the_city_come_to_the_sources_count() {
        assert_eq!(COUNTIES.iter().map(|county| county.townships).sum::<u64>(), 209);
    }
}
