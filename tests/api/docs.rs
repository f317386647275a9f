//! The readable docs.

use crate::world::World;

/// Where something outside would be named: an address with a scheme or none, in a place that loads.
const LOADS: &[&str] = &["src=\"http", "href=\"http", "src=\"//", "href=\"//", "@import"];

#[test]
fn the_docs_come_whole_and_from_nowhere_else() {
    let world = World::new();
    let moved = world.request("GET", "/docs").without_token().send();
    assert_eq!((moved.status, moved.header("location")), (308, Some("docs/")));
    let page = world.request("GET", "/docs/").without_token().send();
    assert_eq!(page.status, 200);
    let needed: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|before| page.text().split(before).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(needed.len() >= 6, "{needed:?}");
    for file in needed {
        let path = file.strip_prefix("../").map_or(format!("/docs/{file}"), |up| format!("/{up}"));
        let answer = world.request("GET", &path).without_token().send();
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.is_empty(), "{path}");
    }
    for load in LOADS {
        assert!(!page.text().contains(load), "{load}");
    }
}

#[test]
fn the_docs_may_load_and_ask_this_server_alone() {
    let world = World::new();
    for path in ["/docs/", "/docs/swagger-ui.css", "/docs/swagger-initializer.js"] {
        let answer = world.request("GET", path).without_token().send();
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(policy.contains("connect-src 'self'") && !policy.contains("http"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let start = world.request("GET", "/docs/swagger-initializer.js").send();
    assert!(start.text().contains("\"../openapi.json\""), "{}", start.text());
    assert!(start.text().contains("\"validatorUrl\": \"none\""), "{}", start.text());
}

#[test]
fn what_is_no_file_of_the_docs_is_a_problem() {
    let world = World::new();
    for path in ["/docs/index.html", "/docs/nothing.js", "/docs/..%2Fmod.rs"] {
        let answer = world.request("GET", path).without_token().send();
        assert_eq!(answer.problem(), (404, "route_not_found".to_owned()), "{path}");
    }
}
