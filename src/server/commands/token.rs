//! `zhida token`: what client systems show.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::block_on;
use crate::rules::Words;
use crate::server::client::path_part;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::language;
use crate::server::target::{Target, TargetArgs};

const CREATE: &str = "zhida token create grid-app --scope intake,act,read --within 411502000000 \
                      > grid-app.token";

#[derive(Debug, Subcommand)]
#[command(after_help = after_help(&[CREATE]))]
pub(super) enum TokenCommand {
    /// Admit a client system and print its token, this once
    Create(CreateArgs),
    /// List the client systems, never their tokens
    List(ListArgs),
    /// Say anew what a client system may do; its tokens stay
    Change(ChangeArgs),
    /// Print a client system's next token, this once; the one before lives on for a while
    Rotate(RotateArgs),
    /// End a client system's tokens
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&[
    CREATE,
    "zhida token create screen --scope read --quota 600 --expires 2027-01-01T00:00:00+08:00",
]))]
pub(super) struct CreateArgs {
    /// What its owners call it, unique
    name: String,
    #[command(flatten)]
    grant: GrantArgs,
    #[command(flatten)]
    target: TargetArgs,
}

/// What a client may do.
#[derive(Args, Clone, Debug)]
struct GrantArgs {
    /// What its tokens may be used for: intake, act, read, directive, admin, which holds all others
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// A unit whose subtree exists for it, up to 16 times; the whole city if left out
    #[arg(long, value_name = "CODE")]
    within: Vec<String>,
    /// Commands and reads a minute; as many as it likes if left out
    #[arg(long, value_name = "NUMBER")]
    quota: Option<u32>,
    /// From when its tokens are worth nothing; never if left out
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

impl GrantArgs {
    /// As a body says it.
    fn body(&self) -> Value {
        let mut body = json!({ "scopes": self.scopes });
        if !self.within.is_empty() {
            body["within"] = json!(self.within);
        }
        if let Some(quota) = self.quota {
            body["quota_per_minute"] = json!(quota);
        }
        if let Some(expires) = &self.expires {
            body["expires_at"] = json!(expires);
        }
        body
    }
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida token list"]))]
pub(super) struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&[
    "zhida token change grid-app --scope read --within 411502000000 --within 411503000000",
]))]
pub(super) struct ChangeArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    grant: GrantArgs,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&[
    "zhida token rotate grid-app > grid-app.token",
    "zhida token rotate grid-app --overlap-hours 0 > grid-app.token",
]))]
pub(super) struct RotateArgs {
    /// Its name
    name: String,
    /// How long its newest token lives on beside the next one, up to 168; 24 if left out
    #[arg(long, value_name = "HOURS")]
    overlap_hours: Option<u32>,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida token revoke grid-app"]))]
pub(super) struct RevokeArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(command: &TokenCommand) -> Result<(), Failure> {
    block_on(async {
        match command {
            TokenCommand::Create(args) => create(args).await,
            TokenCommand::List(args) => list(args).await,
            TokenCommand::Change(args) => change(args).await,
            TokenCommand::Rotate(args) => rotate(args).await,
            TokenCommand::Revoke(args) => revoke(args).await,
        }
    })
}

async fn create(args: &CreateArgs) -> Result<(), Failure> {
    let mut body = args.grant.body();
    body["name"] = json!(args.name);
    let token = token_of(&post(&args.target, "/v1/clients", body.to_string()).await?)?;
    told(&args.name, " may act now. Its token is shown this once:", "已获准。其令牌只显示这一次：");
    say(&token)
}

async fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let clients = target.client.get("/v1/clients").await?.json()?;
    target.close().await?;
    say(&serde_json::to_string_pretty(&clients)
        .map_err(|error| Failure::world(Words::fixed("print the clients", "打印客户端"), &error))?)
}

async fn change(args: &ChangeArgs) -> Result<(), Failure> {
    post(&args.target, &path_of(&args.name, "change"), args.grant.body().to_string()).await?;
    told(&args.name, " may do that from now on.", "的权限已更改。");
    Ok(())
}

async fn rotate(args: &RotateArgs) -> Result<(), Failure> {
    let mut body = json!({});
    if let Some(hours) = args.overlap_hours {
        body["overlap_hours"] = json!(hours);
    }
    let path = path_of(&args.name, "rotate");
    let token = token_of(&post(&args.target, &path, body.to_string()).await?)?;
    told(&args.name, " has another token. It is shown this once:", "已换令牌，只显示这一次：");
    say(&token)
}

async fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    post(&args.target, &path_of(&args.name, "revoke"), String::new()).await?;
    told(&args.name, " may not act any more.", "已停用。");
    Ok(())
}

/// Says on stderr what a client may do now.
fn told(name: &str, english: &str, chinese: &str) {
    language::say(&Words::new(format!("{name}{english}"), format!("{name} {chinese}")));
}

fn path_of(name: &str, action: &str) -> String {
    format!("/v1/clients/{}/{action}", path_part(name))
}

async fn post(target: &TargetArgs, path: &str, body: String) -> Result<Value, Failure> {
    let mut target = Target::connect(target).await?;
    let reply = target.client.post(path, "application/json", body).await?.json()?;
    target.close().await?;
    Ok(reply)
}

fn token_of(reply: &Value) -> Result<String, Failure> {
    let token = reply["token"].as_str().map(str::to_string);
    token.ok_or_else(|| {
        Failure::new(
            Kind::World,
            Words::fixed("the server's reply holds no token", "服务器的答复中没有令牌"),
        )
    })
}

/// Data on stdout.
fn say(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::unprinted(&error))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::server::config::Config;
    use crate::server::start;
    use crate::server::tls::TrustArgs;

    #[test]
    fn a_client_of_any_name_is_revoked() {
        let dir = tempfile::TempDir::new().unwrap();
        let mut config = Config::default();
        config.data.dir = dir.path().join("data");
        start::start(&config, &|_, _| ControlFlow::Continue(())).unwrap().unwrap().stop().unwrap();
        let target = TargetArgs {
            url: String::new(),
            token_file: std::path::PathBuf::new(),
            dir: Some(config.data.dir),
            trust: TrustArgs::default(),
        };
        let names = ["two words", "a/b", "..", "热线 12345", "100%?#&+%2F"];
        let is_revoked = |clients: &serde_json::Value, name: &str| {
            let clients = clients["clients"].as_array().unwrap();
            clients.iter().find(|client| client["name"] == name).unwrap()["revoked"].clone()
        };
        block_on(async {
            let mut admitting = Target::connect(&target).await?;
            for name in names {
                let body = json!({ "name": name, "scopes": ["read"] }).to_string();
                admitting.client.post("/v1/clients", "application/json", body).await?.json()?;
            }
            admitting.close().await?;
            for name in names {
                revoke(&RevokeArgs { name: name.into(), target: target.clone() }).await?;
                let mut asking = Target::connect(&target).await?;
                let clients = asking.client.get("/v1/clients").await?.json()?;
                asking.close().await?;
                assert_eq!(is_revoked(&clients, name), true, "{name}");
            }
            Ok(())
        })
        .unwrap();
    }
}
