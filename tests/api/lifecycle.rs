//! An operation that will go says so.

use zhida::api::{ApiOptions, GOING, Going};
use zhida::domain::ids::Timestamp;

use crate::world::{Choices, World};

/// For this test alone: from 2027 on, and till its July.
const MATTERS_GO: &[Going] = &[Going {
    method: "GET",
    path: "/v1/matters",
    deprecated_at: Timestamp(1_798_761_600_000),
    sunset_at: Timestamp(1_814_400_000_000),
}];

#[test]
fn what_will_go_says_since_when_and_until_when() {
    let api = ApiOptions { going: MATTERS_GO, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    let good = world.request("GET", "/v1/matters").send();
    let refused = world.request("GET", "/v1/matters").without_token().send();
    assert_eq!((good.status, refused.status), (200, 401));
    for answer in [good, refused] {
        assert_eq!(answer.header("deprecation"), Some("@1798761600"));
        assert_eq!(answer.header("sunset"), Some("Thu, 01 Jul 2027 00:00:00 GMT"));
        let link = answer.header("link").unwrap();
        assert!(link.contains("rel=\"deprecation\""), "{link}");
    }
    let other = world.request("GET", "/v1/counts").send();
    assert_eq!((other.header("deprecation"), other.header("sunset")), (None, None));
    let document = world.request("GET", "/openapi.json").send().json();
    assert_eq!(document["paths"]["/v1/matters"]["get"]["deprecated"], true);
    assert_eq!(document["paths"]["/v1/counts"]["get"]["deprecated"], serde_json::Value::Null);
}

#[test]
fn nothing_goes_today() {
    assert!(GOING.is_empty(), "docs/api-policy.md says that nothing is deprecated");
}
