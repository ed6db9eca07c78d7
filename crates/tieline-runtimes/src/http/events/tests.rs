use super::{Event, Parser};

#[test]
fn events_are_the_same_however_they_are_cut() {
    let stream = b"\xef\xbb\xbfevent: a\r\ndata: 1\rdata:  2\n\n: no\nid: 7\nretry: 5\n\n\
        event: gone\n\ndata\n\ndata:x\r\r\ndata: last";
    let event = |name: &str, data: &str| Event {
        name: name.to_owned(),
        data: data.as_bytes().to_vec(),
    };
    let expected = [
        event("a", "1\n 2"),
        event("message", "x"),
        event("message", "last"),
    ];
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in [&stream[..first], &stream[first..second], &stream[second..]] {
                parser.feed(piece, &mut events);
            }
            events.extend(parser.finish());
            assert_eq!(events, expected, "{first} {second}");
        }
    }
}
