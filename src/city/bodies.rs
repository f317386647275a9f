//! What sits beside the line: governance rooms on three levels, departments, a township's eleven
//! sub-units, and what is stationed in it.

use crate::domain::catalogue::Module;
use crate::domain::code::UnitCode;

/// A department, or a sub-unit of a township.
pub(super) struct Body {
    pub(super) serial: u8,
    pub(super) name: &'static str,
    pub(super) modules: &'static [Module],
}

const fn body(serial: u8, name: &'static str, modules: &'static [Module]) -> Body {
    Body { serial, name, modules }
}

/// The serial of the department that the police stations report to.
pub(super) const POLICE: u8 = 11;
/// The serial of the department that the justice offices report to.
pub(super) const JUSTICE: u8 = 12;

/// The departments of each county, and of the city. Source: the modules have counterparts at the
/// county; which department that is, is assumed.
pub(super) const DEPARTMENTS: [Body; 16] = [
    body(1, "农业农村局", &[Module::RuralRevitalisation]),
    body(2, "委政法委员会", &[Module::PublicSafety]),
    body(3, "纪委监委", &[Module::Discipline]),
    body(4, "委组织部", &[Module::OrganisationUnitedFront]),
    body(5, "城市管理综合执法局", &[Module::Enforcement]),
    body(6, "发展和改革委员会", &[Module::Economy]),
    body(7, "文化广电和旅游局", &[Module::TransportTourismCulture]),
    body(8, "民政局", &[Module::PublicService]),
    body(9, "人民武装部", &[Module::ArmedForces]),
    body(10, "住房和城乡建设局", &[Module::Construction]),
    body(POLICE, "公安局", &[]),
    body(JUSTICE, "司法局", &[]),
    body(13, "应急管理局", &[]),
    body(14, "生态环境局", &[]),
    body(15, "卫生健康委员会", &[]),
    body(16, "市场监督管理局", &[]),
];

/// 八办一中心一队一站. Source: their number and the ten modules; which owns which is assumed.
pub(super) const OFFICES: [Body; 11] = [
    body(1, "党建工作办公室", &[Module::OrganisationUnitedFront]),
    body(2, "纪检监察办公室", &[Module::Discipline]),
    body(3, "平安建设办公室", &[Module::PublicSafety]),
    body(4, "乡村振兴办公室", &[Module::RuralRevitalisation]),
    body(5, "经济发展办公室", &[Module::Economy]),
    body(6, "城乡建设办公室", &[Module::Construction]),
    body(7, "交旅文创办公室", &[Module::TransportTourismCulture]),
    body(8, "武装工作办公室", &[Module::ArmedForces]),
    body(9, "便民服务中心", &[Module::PublicService]),
    body(10, "综合行政执法队", &[Module::Enforcement]),
    body(11, "退役军人服务站", &[]),
];

/// The office that owns `module` in that township.
pub(super) fn office_of(township: UnitCode, module: Module) -> UnitCode {
    let office = OFFICES.iter().find(|office| office.modules.contains(&module));
    let office = office.expect("every module has its office");
    UnitCode::of_body(township, b'B', office.serial).expect("a township seats bodies")
}

/// What a governance room of each level is called.
pub(super) const CENTRE: &str = "社会治理中心";
pub(super) const ROOM: &str = "社会治理室";
pub(super) const STATION: &str = "网格工作站";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_one_office_and_one_department() {
        for module in Module::ALL {
            let owns = |modules: &[Module]| modules.contains(module);
            assert_eq!(OFFICES.iter().filter(|office| owns(office.modules)).count(), 1);
            assert_eq!(DEPARTMENTS.iter().filter(|one| owns(one.modules)).count(), 1);
        }
    }
}
