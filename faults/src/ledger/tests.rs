use super::*;

#[tokio::test]
async fn lines_are_in_the_file_when_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let ledger = Ledger::open(&path).unwrap();
    ledger.write(&["a", "b"]).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "\"a\"\n\"b\"\n");
    ledger.write(&[1]).await.unwrap();
    drop(ledger);
    let again = Ledger::open(&path).unwrap();
    again.write(&[2]).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "\"a\"\n\"b\"\n1\n2\n");
}
