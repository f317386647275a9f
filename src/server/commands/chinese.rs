//! The help texts in Chinese: one table beside the English ones, which stand at the arguments.
//!
//! A test fails where a command or an argument has a text in one language alone.

use clap::{Arg, ArgAction, Command};

/// What `--help` ends with, in Chinese: the same codes as the English table's.
const EXIT_CODES: &str = "\
退出码:
  0  完成
  1  外部原因：文件、网络、磁盘已满等
  2  命令行或配置有误
  3  输入有错，已全部列出
  4  保存的数据已损坏，或与应有的不符
  5  被服务器或规则拒绝";

/// Command, argument (none: the command itself), text; behind a blank line what only `--help` says.
const TEXTS: &[(&str, &str, &str)] = &[
    ("", "", "城市网格化治理的调度核心：每个案件都到达唯一的责任单位，落盘、派遣、计时。"),
    (
        "serve",
        "",
        "在数据目录上运行服务器\n\n在数据目录上运行服务器。首次启动会创建目录和管理员令牌；令牌只显示一次，保存在 DIR/admin-token。\
         SIGTERM 或 Ctrl-C 结束未完的请求，提交后停止；启动过程中则终止启动。",
    ),
    ("serve", "config", "配置文件；不给则用内置默认值（config/zhida.toml 列出全部）"),
    ("serve", "dir", "数据目录；不给且无配置时为 zhida-data"),
    ("serve", "listen", "监听的地址和端口；默认 127.0.0.1:8750，端口 0 表示任取空闲端口"),
    (
        "serve",
        "clock",
        "时间的来源：system 取机器时间（默认），driven 由每条命令自带；日志沿用创建时的选择",
    ),
    (
        "demo",
        "",
        "造一座城市，通过自带的服务器驱动其案件，并打印结果\n\n由种子生成城市，在本机新目录上启动服务器，\
         经 HTTP 驱动全部案件（上报、派遣、处置、结案，数月只需数秒），其间新设、拆分、合并、迁移、撤销网格，\
         打印结果后继续运行供查看。\
         规模 1 即整个信阳市：18,100 个网格、640,000 件案件。",
    ),
    ("demo", "scale", "规模：1 为全市，0.01 为百分之一"),
    ("demo", "seed", "相同的种子生成相同的城市和案件"),
    ("demo", "dir", "服务器的数据目录；若为先前演示所建则清空"),
    ("demo", "port", "监听的端口；0 表示任取空闲端口"),
    ("demo", "exit", "打印结果后结束，不再继续运行"),
    (
        "import",
        "",
        "从 NDJSON 或 CSV 文件将单位导入服务器\n\n从 NDJSON 文件将单位导入服务器的组织，每行一个单位：\n\
         {\"code\":\"411502001001001\",\"kind\":\"grid\",\"name\":\"第一网格\"}\n\
         也可用以 .csv 结尾的文件：表头用同样的名称，modules 以 ; 连接",
    ),
    ("import", "files", "单位的 NDJSON 或 CSV 文件；全部一起生效"),
    ("token", "", "创建、列出、吊销客户端系统的令牌"),
    ("token create", "", "接入客户端系统并打印其令牌（仅此一次）"),
    ("token create", "name", "客户端的名称，不可重复"),
    ("token list", "", "列出客户端系统，不含令牌"),
    ("token change", "", "重新规定客户端系统可以做什么；其令牌不变"),
    ("token change", "name", "客户端的名称"),
    ("token rotate", "", "打印客户端系统的下一个令牌（仅此一次）；前一个再延用一段时间"),
    ("token rotate", "name", "客户端的名称"),
    ("token rotate", "overlap_hours", "最新的令牌与下一个并存多久（小时），最多 168；不给则为 24"),
    ("token revoke", "", "终止客户端系统的令牌"),
    ("token revoke", "name", "客户端的名称"),
    ("config", "", "检查配置文件；查看、比较、更换事项目录"),
    ("config check", "", "读取文件并打印全部错误：zhida.toml、catalogue.toml、单位 NDJSON 或 CSV"),
    (
        "config check",
        "files",
        ".ndjson 或 .csv 为单位，含 [[matter]] 条目或名为 catalogue*.toml 的为事项目录，其余为 zhida.toml",
    ),
    ("config diff", "", "显示事项目录与现行目录的差异"),
    ("config diff", "catalogue", "事项目录文件"),
    (
        "config propose",
        "",
        "提出事项目录，留待他人生效\n\n提出事项目录，留待他人生效，并打印差异和提案编号。此时尚无变更。",
    ),
    ("config propose", "catalogue", "事项目录文件"),
    (
        "config apply",
        "",
        "以事项目录取代现行目录\n\n以事项目录（文件，或已提出的提案）取代现行目录，并打印差异。新目录没有的事项停用；\
         仍有未结案件的事项不能停用：请先办结，或保留该事项。",
    ),
    ("config apply", "catalogue", "事项目录文件"),
    ("config apply", "proposal", "已提出的提案的编号，代替文件"),
    (
        "config history",
        "",
        "列出历次生效的事项目录：版本、时间、操作者、文件、新增、变更、停用的事项数",
    ),
    ("config show", "", "打印现行事项目录的原文"),
    (
        "verify",
        "",
        "检查数据目录的整条哈希链，并打印链头\n\n检查已停止的目录：每个封存文件与其记录相符、整条链、每条记录，\
         以及每个密封部分均可打开；不作任何改动。用 --url 时只检查运行中服务器的链和记录，不读其文件和密钥库。\
         打印链头 SEQ:HASH，请另存他处：若无事先记下的链头，链无法证明未被整体改写。",
    ),
    ("verify", "head", "事先记下的链头；必须在链上"),
    (
        "inspect",
        "",
        "以 NDJSON 打印数据目录中的事实\n\n以 NDJSON 打印日志中的事实，每行一个，与 GET /v1/events 相同。\
         密封的文本仍保持密封。总是从第一个事实读起，因为后面的代码由前面的事实得出。",
    ),
    ("inspect", "from", "从哪个事实开始打印"),
    ("inspect", "through", "打印到哪个事实为止"),
    ("inspect", "case", "只打印该案件的事实"),
    (
        "backup",
        "",
        "从运行中的服务器或已停止的目录复制日志\n\n将日志复制为一个文件，并沿途检查哈希链；来源为已停止的目录，\
         或用 --url 指定运行中的服务器。保存全部文本密钥的密钥库只在给出 --vault 时复制，应存放在别处。\
         打印链头 SEQ:HASH。",
    ),
    ("backup", "out", "要写的文件；不得已存在"),
    ("backup", "vault", "复制密钥库的目标目录"),
    (
        "restore",
        "",
        "由备份建立数据目录\n\n由备份建立数据目录：经检查的日志及其密钥库。客户端的令牌继续有效；\
         管理员令牌文件不在备份之中。",
    ),
    ("restore", "backup", "zhida backup 写出的文件"),
    ("restore", "dir", "要建立的目录；不得已存在"),
    ("restore", "vault", "密钥库复制到的目录"),
    // Arguments that several commands share.
    ("*", "scopes", "令牌的权限范围：intake、act、read、directive，以及包含其余全部的 admin"),
    ("*", "within", "对它存在的单位及其下级，最多 16 次；不给则为全市"),
    ("*", "quota", "每分钟的命令和读取数；不给则不限"),
    ("*", "expires", "其令牌从何时起失效；不给则永不"),
    ("*", "url", "运行中的服务器"),
    ("*", "token_file", "存放管理员令牌的文件"),
    ("*", "ca", "用于 https：服务器证书必须由其中的机构签发，PEM 格式"),
    ("*", "client_cert", "用于要求客户端证书的服务器：本客户端的证书，PEM 格式"),
    ("*", "client_key", "--client-cert 的私钥，PEM 格式"),
    ("*", "dir", "已停止的服务器的数据目录：在此运行其引擎，不监听端口"),
];

/// The same command with its texts in Chinese.
pub(super) fn in_chinese(command: Command) -> Command {
    let command = command.disable_version_flag(true).arg(
        Arg::new("version").short('V').long("version").action(ArgAction::Version).help("打印版本"),
    );
    let mut command = localised(command, "");
    // Only once it is built does it have the `help` that lists its commands.
    command.build();
    name_help(command)
}

fn name_help(mut command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for name in names {
        command = if name == "help" {
            command.mut_subcommand(name, |one| one.about("打印命令的帮助"))
        } else {
            command.mut_subcommand(name, name_help)
        };
    }
    command
}

fn localised(command: Command, path: &str) -> Command {
    let text = text(path, "").unwrap_or_default();
    let (short, long) = text.split_once("\n\n").unwrap_or((text, text));
    let examples = examples(&command);
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let arguments: Vec<String> =
        command.get_arguments().map(|one| one.get_id().to_string()).collect();
    let template = if names.is_empty() {
        "{about-with-newline}\n用法: {usage}\n\n{all-args}{after-help}"
    } else {
        "{about-with-newline}\n用法: {usage}\n\n命令:\n{subcommands}\n\n选项:\n{options}{after-help}"
    };
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help);
    let mut command = command
        .about(short.to_owned())
        .long_about(long.to_owned())
        .after_help(format!("示例:\n{examples}\n\n{EXIT_CODES}"))
        .help_template(template)
        .disable_help_flag(true)
        .arg(help.help("打印帮助（-h 为摘要）"));
    for name in arguments.iter().chain([&String::from("help")]) {
        let path = path.to_owned();
        command = command.mut_arg(name, |argument| argument_in_chinese(argument, &path));
    }
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |one| localised(one, path.trim()));
    }
    command
}

fn argument_in_chinese(argument: Arg, path: &str) -> Arg {
    let heading = if argument.is_positional() { "参数" } else { "选项" };
    let known = text(path, argument.get_id().as_str());
    let Some(known) = known else {
        return argument.help_heading(heading);
    };
    if !argument.get_action().takes_values() {
        return argument.help(known).long_help(known).help_heading(heading);
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match &*defaults {
        [] => String::new(),
        defaults => format!(" [默认：{}]", defaults.join(" ")),
    };
    let variable = argument.get_env().map(|variable| variable.to_string_lossy());
    let variable = variable.map_or(String::new(), |name| format!(" [环境变量：{name}]"));
    let help = [known, &default, &variable].concat();
    argument
        .help(help.clone())
        .long_help(help)
        .hide_default_value(true)
        .hide_env(true)
        .hide_possible_values(true)
        .help_heading(heading)
}

/// The examples of the English help: they are the same in any language.
fn examples(command: &Command) -> String {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = after.lines().skip_while(|line| *line != "Examples:").skip(1);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The Chinese text of an argument, or of a command.
fn text(path: &str, argument: &str) -> Option<&'static str> {
    let of = |wanted: &str| {
        let found = TEXTS.iter().find(|(one, name, _)| *one == wanted && *name == argument);
        found.map(|(.., text)| *text)
    };
    of(path).or_else(|| if argument.is_empty() { None } else { of("*") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::server::commands::Cli;
    use crate::server::exit;

    /// Command and argument, for each that the program has.
    fn all(command: &Command, path: &str, found: &mut BTreeSet<(String, String)>) {
        found.insert((path.to_owned(), String::new()));
        for argument in command.get_arguments().filter(|one| one.get_help().is_some()) {
            found.insert((path.to_owned(), argument.get_id().to_string()));
        }
        for one in command.get_subcommands() {
            all(one, format!("{path} {}", one.get_name()).trim(), found);
        }
    }

    #[test]
    fn every_text_is_there_in_both_languages() {
        let mut english = BTreeSet::new();
        all(&Cli::command(), "", &mut english);
        for (path, argument) in &english {
            assert!(text(path, argument).is_some(), "no Chinese for {path:?} {argument:?}");
        }
        for (path, argument, _) in TEXTS {
            let is_of =
                |(one, name): &(String, String)| (one == path || *path == "*") && name == argument;
            assert!(english.iter().any(is_of), "{path:?} {argument:?} is no argument");
        }
    }

    #[test]
    fn the_exit_codes_are_the_same() {
        let codes = |table: &str| -> Vec<String> {
            table
                .lines()
                .filter_map(|line| line.strip_prefix("  ")?.split("  ").next().map(Into::into))
                .collect()
        };
        assert_eq!(codes(EXIT_CODES), codes(exit::TABLE));
    }
}
