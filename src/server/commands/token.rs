//! `zhida token`: what client systems show.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::block_on;
use crate::server::client::path_part;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::target::{Target, TargetArgs};

#[derive(Debug, Subcommand)]
#[command(after_help = after_help(&["zhida token create grid-app --within 411502000000 > grid-app.token"]))]
pub(super) enum TokenCommand {
    /// Admit a client system and print its token, this once
    Create(CreateArgs),
    /// List the client systems, never their tokens
    List(ListArgs),
    /// End a client system's token
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida token create grid-app --within 411502000000 > grid-app.token"]))]
pub(super) struct CreateArgs {
    /// What its owners call it, unique
    name: String,
    /// The unit whose subtree it acts for; the whole city if left out
    #[arg(long, value_name = "CODE")]
    within: Option<String>,
    /// Let it administer
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida token list"]))]
pub(super) struct ListArgs {
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
            TokenCommand::Revoke(args) => revoke(args).await,
        }
    })
}

async fn create(args: &CreateArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let mut body = json!({ "name": args.name, "admin": args.admin });
    if let Some(within) = &args.within {
        body["within"] = json!(within);
    }
    let reply = target.client.post("/v1/clients", "application/json", body.to_string()).await?;
    let token = reply.json()?["token"].as_str().map(str::to_string);
    target.close().await?;
    let token =
        token.ok_or_else(|| Failure::new(Kind::World, "the server's reply holds no token"))?;
    eprintln!("{} may act now. Its token is shown this once:", args.name);
    say(&token)
}

async fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let clients = target.client.get("/v1/clients").await?.json()?;
    target.close().await?;
    say(&serde_json::to_string_pretty(&clients)
        .map_err(|error| Failure::world("print the clients", &error))?)
}

async fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let path = format!("/v1/clients/{}/revoke", path_part(&args.name));
    target.client.post(&path, "application/json", "").await?.json()?;
    target.close().await?;
    eprintln!("{} may not act any more.", args.name);
    Ok(())
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
        };
        let names = ["two words", "a/b", "..", "热线 12345", "100%?#&+%2F"];
        let is_revoked = |clients: &serde_json::Value, name: &str| {
            let clients = clients["clients"].as_array().unwrap();
            clients.iter().find(|client| client["name"] == name).unwrap()["revoked"].clone()
        };
        block_on(async {
            let mut admitting = Target::connect(&target).await?;
            for name in names {
                let body = json!({ "name": name, "admin": false }).to_string();
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
