use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use http_body_util::BodyExt as _;

use super::*;

async fn body(failure: Failure) -> (Response<()>, String) {
    let (parts, body) = failure.into_response().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (Response::from_parts(parts, ()), text)
}

#[tokio::test]
async fn a_problem_says_its_code_and_leaves_the_status_out_under_c() {
    let failure = Failure::new(Code::TooDeep, "Nest less.");
    let (response, text) = body(failure).await;
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.headers().get(CONTENT_TYPE).unwrap(),
        "application/problem+json"
    );
    assert_eq!(
        text,
        r#"{"type":"urn:tieline:problem:too-deep","title":"The JSON is nested too deeply","status":400,"code":"too-deep","detail":"Nest less."}"#
    );
    let (_, text) = body(Failure::new(Code::TooDeep, "Nest less.").for_sender()).await;
    assert_eq!(
        text,
        r#"{"type":"urn:tieline:problem:too-deep","title":"The JSON is nested too deeply","code":"too-deep","detail":"Nest less."}"#
    );
}

#[tokio::test]
async fn what_the_caller_may_do_next_is_in_headers() {
    let problem = Problem::new(Code::Overloaded, "").retry_after(Duration::from_millis(1));
    let (response, _) = body(problem.into()).await;
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
    let (response, _) = body(Failure::unauthorized()).await;
    assert_eq!(response.headers().get(WWW_AUTHENTICATE).unwrap(), "Bearer");
    let closing = |version| Failure::new(Code::PayloadTooLarge, "").closing(version);
    let (response, _) = body(closing(Version::HTTP_11)).await;
    assert_eq!(response.headers().get(CONNECTION).unwrap(), "close");
    let (response, _) = body(closing(Version::HTTP_2)).await;
    assert!(response.headers().get(CONNECTION).is_none());
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems");
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        pages.extend(name.strip_suffix(".md").map(str::to_owned));
    }
    pages.remove("README");
    let codes: BTreeSet<_> = Code::ALL
        .iter()
        .map(|code| code.as_str().to_owned())
        .collect();
    assert_eq!(pages, codes);
}
