//! `zhida token`: what client systems show.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::block_on;
use crate::server::exit::{Failure, Kind, TABLE};
use crate::server::target::{Target, TargetArgs};

#[derive(Debug, Subcommand)]
#[command(after_help = TABLE)]
pub(super) enum TokenCommand {
    /// Admit a client system and print its token, this once
    Create(CreateArgs),
    /// List the client systems, never their tokens
    List(ListArgs),
    /// End a client system's token
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
#[command(after_help = TABLE)]
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
#[command(after_help = TABLE)]
pub(super) struct ListArgs {
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = TABLE)]
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
    target.close()?;
    let token =
        token.ok_or_else(|| Failure::new(Kind::World, "the server's reply holds no token"))?;
    eprintln!("{} may act now. Its token is shown this once:", args.name);
    say(&token)
}

async fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let clients = target.client.get("/v1/clients").await?.json()?;
    target.close()?;
    say(&serde_json::to_string_pretty(&clients)
        .map_err(|error| Failure::world("print the clients", &error))?)
}

async fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let mut target = Target::connect(&args.target).await?;
    let path = format!("/v1/clients/{}/revoke", args.name);
    target.client.post(&path, "application/json", "").await?.json()?;
    target.close()?;
    eprintln!("{} may not act any more.", args.name);
    Ok(())
}

/// Data on stdout.
fn say(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::unprinted(&error))
}
