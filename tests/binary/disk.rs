//! A disk so small that it runs full.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::world::{Place, ZHIDA};

/// How a mount is hidden from everybody else, and entered: as root, or as whoever may make a user
/// namespace of their own.
const NAMESPACES: [Namespace; 2] = [
    Namespace { make: &["--mount"], enter: &["--mount"] },
    Namespace {
        make: &["--user", "--map-root-user", "--mount"],
        enter: &["--user", "--preserve-credentials", "--mount"],
    },
];

/// Arguments of `unshare` and of `nsenter`.
#[derive(Clone, Copy)]
struct Namespace {
    make: &'static [&'static str],
    enter: &'static [&'static str],
}

/// A data directory of the tiny city on a file system of so many MiB, in a mount namespace of its
/// own: nothing is left behind, however the test ends.
pub(crate) struct SmallDisk {
    /// Keeps the namespace.
    keeper: Child,
    namespace: Namespace,
    outside: PathBuf,
    arguments: Vec<String>,
}

impl SmallDisk {
    /// None where mounting is not permitted, which is said; where everything must be tried, that is
    /// a failure.
    pub(crate) fn mount(place: &Place, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir(place.path("disk")).expect("made");
        let mut mounted = NAMESPACES
            .into_iter()
            .filter_map(|namespace| Self::mount_in(namespace, place, mebibytes));
        let disk = mounted.next();
        if disk.is_none() {
            let said = "neither `unshare --mount` nor `unshare --user --map-root-user --mount` may \
                        mount a tmpfs here: run the tests as root, or allow user namespaces";
            assert!(std::env::var_os("CI").is_none(), "{said}");
            // Past the harness, which hides what a good test prints.
            writeln!(std::io::stderr(), "SKIPPED, a full disk was NOT tried: {said}")
                .expect("said");
        }
        disk
    }

    fn mount_in(namespace: Namespace, place: &Place, mebibytes: u32) -> Option<Self> {
        let inside = place.path("disk");
        let inside = inside.to_str().expect("UTF-8");
        let script = format!(
            "mount -t tmpfs -o size={mebibytes}m tmpfs {inside} && cp -r {} {inside}/data && echo mounted && exec cat",
            place.data().display()
        );
        let mut keeper = Command::new("unshare")
            .args(namespace.make)
            .args(["--", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take()?).read_line(&mut said).ok()?;
        if said.trim() != "mounted" {
            drop(keeper.wait());
            return None;
        }
        let mut arguments = place.serve_arguments();
        let dir = arguments.last_mut().expect("the directory");
        *dir = format!("{inside}/data");
        let outside = format!("/proc/{}/root{inside}", keeper.id()).into();
        Some(Self { keeper, namespace, outside, arguments })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.outside.join("data")
    }

    /// A server on it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(self.namespace.enter).args(["--target", &self.keeper.id().to_string(), "--"]);
        command.arg(ZHIDA).args(&self.arguments);
        command
    }

    /// Takes all room that is left; says with which file.
    pub(crate) fn fill_up(&self) -> PathBuf {
        let path = self.outside.join("filler");
        let mut file = std::fs::File::create(&path).expect("made");
        let zeros = [0; 4_096];
        while file.write_all(&zeros).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
    }
}
