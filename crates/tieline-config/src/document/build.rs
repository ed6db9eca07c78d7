//! Builds the tree from the parser's events, without recursion and within the limits.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::Value;

use super::tree::{Key, Kind, Node};
use super::{DEPTH_MAX, LENGTH_MAX, Mark, NODES_MAX, scalar};

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) mark: Option<Mark>,
    pub(super) message: String,
    pub(super) fix: Option<&'static str>,
}

/// A mistake after which nothing more can be read.
struct Fatal(Complaint);

/// A list or a map whose end has not come.
struct Open {
    mark: Mark,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        fields: Vec<(Key, Node)>,
        /// Where each name stands, for duplicates.
        names: HashMap<String, Mark>,
        /// The name whose value has not come.
        key: Option<Key>,
    },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
    complaints: Vec<Complaint>,
}

/// The tree of a text, and everything that is wrong with it. An empty text has no tree.
pub(super) fn build(text: &str) -> (Option<Node>, Vec<Complaint>) {
    let mut builder = Builder::default();
    if text.len() > LENGTH_MAX {
        builder.complain(
            None,
            "the document is longer than 4 MiB",
            "split it into several files",
        );
        return (None, builder.complaints);
    }
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((event, span)) => builder.take(event, mark(&span)),
            Err(error) => Err(syntax(&error, text)),
        };
        if let Err(Fatal(complaint)) = step {
            builder.complaints.push(complaint);
            break;
        }
    }
    (builder.root, builder.complaints)
}

impl Builder {
    fn complain(&mut self, mark: Option<Mark>, message: &str, fix: &'static str) {
        self.complaints.push(Complaint {
            mark,
            message: message.to_owned(),
            fix: Some(fix),
        });
    }

    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), Fatal> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let fix = "put each document in a file of its own";
                    return Err(fatal(mark, "a second document begins here", fix));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(tag.as_deref(), mark);
                if self.wants_key() {
                    return self.key(text.into_owned(), style, mark);
                }
                let quoted = style != ScalarStyle::Plain || is_text(tag.as_deref());
                let node = self.scalar(&text, quoted, mark);
                self.place(node, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), mark);
                self.begin(mark, anchor, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), mark);
                let content = Content::Map {
                    fields: Vec::new(),
                    names: HashMap::new(),
                    key: None,
                };
                self.begin(mark, anchor, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor, mark)?,
            _ => {}
        }
        Ok(())
    }

    fn tag(&mut self, tag: Option<&Tag>, mark: Mark) {
        if tag.is_some_and(|tag| tag.is_custom() && !is_text(Some(tag))) {
            let fix = "write the value without one";
            self.complain(Some(mark), "tags of one's own are not supported", fix);
        }
    }

    fn scalar(&mut self, text: &str, quoted: bool, mark: Mark) -> Node {
        if quoted {
            return Node::scalar(mark, Value::String(text.to_owned()));
        }
        let value = scalar::resolve(text).unwrap_or_else(|bad| {
            self.complain(Some(mark), bad.message(), "put it in quotes");
            Value::Null
        });
        Node::scalar(mark, value)
    }

    fn wants_key(&self) -> bool {
        let content = self.open.last().map(|open| &open.content);
        matches!(content, Some(Content::Map { key: None, .. }))
    }

    fn key(&mut self, name: String, style: ScalarStyle, mark: Mark) -> Result<(), Fatal> {
        if name == "<<" && style == ScalarStyle::Plain {
            let fix = "write the fields out, or use an anchor for a whole value";
            self.complain(Some(mark), "merge keys (`<<`) are not supported", fix);
        }
        let Some(Open {
            content: Content::Map { names, key, .. },
            ..
        }) = self.open.last_mut()
        else {
            return Ok(());
        };
        let earlier = names.insert(name.clone(), mark);
        *key = Some(Key { mark, name });
        if let Some(earlier) = earlier {
            let (line, column) = (earlier.line, earlier.column);
            self.complaints.push(Complaint {
                mark: Some(mark),
                message: format!("this field stands here twice, first at {line}:{column}"),
                fix: Some("keep one of them"),
            });
        }
        self.count(1, mark)
    }

    fn count(&mut self, nodes: usize, mark: Mark) -> Result<(), Fatal> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            let fix = "split it into several files, and repeat less by aliases";
            return Err(fatal(mark, "the document has more than 100000 values", fix));
        }
        Ok(())
    }

    fn begin(&mut self, mark: Mark, anchor: usize, content: Content) -> Result<(), Fatal> {
        if self.wants_key() {
            return Err(fatal(
                mark,
                "a field's name is not a text",
                "write a plain name",
            ));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(mark));
        }
        self.open.push(Open {
            mark,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fatal> {
        let Some(Open {
            mark,
            anchor,
            content,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let node = match content {
            Content::List(items) => Node::list(mark, items),
            Content::Map { fields, .. } => Node::map(mark, fields),
        };
        self.place(node, anchor)
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), Fatal> {
        if self.wants_key() {
            return Err(fatal(
                mark,
                "a field's name cannot be an alias",
                "write the name",
            ));
        }
        let Some(target) = self.anchors.get(&anchor) else {
            let fix = "write the value out";
            return Err(fatal(mark, "an alias stands inside its own anchor", fix));
        };
        if self.open.len() + target.depth > DEPTH_MAX {
            return Err(too_deep(mark));
        }
        // Counted before it is copied: an alias can stand for very many values.
        let size = target.size;
        self.count(size, mark)?;
        let copy = self.anchors.get(&anchor).cloned();
        match copy {
            Some(mut node) => {
                if let Kind::Scalar(_) = node.kind {
                    node.mark = mark;
                }
                self.put(node);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Puts a finished node where it belongs, and keeps it if it has an anchor.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Fatal> {
        self.count(1, node.mark)?;
        if anchor != 0 {
            // What is kept for aliases counts too, or anchors could multiply without them.
            self.count(node.size, node.mark)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node);
        Ok(())
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { fields, key, .. }) => {
                if let Some(key) = key.take() {
                    fields.push((key, node));
                }
            }
        }
    }
}

fn is_text(tag: Option<&Tag>) -> bool {
    // `!` alone makes a text of anything, as `!!str` does.
    tag.is_some_and(|tag| {
        tag.is_yaml_core_schema_tag("str") || (tag.handle().is_empty() && tag.suffix() == "!")
    })
}

fn mark(span: &Span) -> Mark {
    Mark {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

fn fatal(mark: Mark, message: &str, fix: &'static str) -> Fatal {
    Fatal(Complaint {
        mark: Some(mark),
        message: message.to_owned(),
        fix: Some(fix),
    })
}

fn syntax(error: &ScanError, text: &str) -> Fatal {
    let line = error.marker().line();
    let written = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
    // `{` begins a map where `${NAME}` stands bare in a list or a map on one line.
    let fix = written
        .contains("${")
        .then_some("put `${…}` in quotes inside of `[…]` and `{…}`");
    Fatal(Complaint {
        mark: Some(Mark {
            line,
            column: error.marker().col() + 1,
        }),
        message: format!("cannot be read as YAML: {}", error.info()),
        fix,
    })
}

fn too_deep(mark: Mark) -> Fatal {
    fatal(mark, "nested more than 64 levels deep", "write it flatter")
}
