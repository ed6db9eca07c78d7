//! What can be wrong with an expression, or go wrong with it.

use cel::ExecutionError;

/// What is wrong with an expression, or went wrong with it. The texts name keys and types, never
/// values.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionError {
    /// The text is longer, deeper or busier than an expression may be.
    #[error("the expression has {what}, at most {most} are allowed")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        most: usize,
    },
    /// The text is not an expression.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted in characters, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The expression would take too long with this event.
    #[error("the event is too large for this expression: {0}")]
    TooLarge(&'static str),
    /// The event has no such key.
    #[error("there is no key \"{0}\"")]
    MissingKey(String),
    /// A function or an operator was given what it cannot work with.
    #[error("{0}")]
    Failed(String),
    /// A condition must be true or false.
    #[error("the condition gives a {0}, not true or false")]
    NotACondition(&'static str),
    /// A key must be text, a number, true or false.
    #[error("the key is a {0}, not text, a number, true or false")]
    NotAKey(&'static str),
    /// A key has more bytes than a key may have.
    #[error("the key has {bytes} bytes, at most {most} are allowed")]
    KeyTooLong {
        /// Bytes it has.
        bytes: usize,
        /// Bytes it may have.
        most: usize,
    },
    /// A part of the event is nested deeper than the door lets in.
    #[error("the event is nested deeper than {most} levels")]
    TooDeep {
        /// Levels allowed.
        most: usize,
    },
    /// Too many evaluations are waiting. Says nothing about the expression; try again.
    #[error("too many evaluations are waiting")]
    Busy,
    /// The evaluation ended without a result: a defect, contained.
    #[error("the evaluation was abandoned")]
    Abandoned,
    /// The system gave no thread to compile on.
    #[error("could not start a thread to compile on")]
    Thread(#[source] std::io::Error),
}

impl ExpressionError {
    /// Turns the library's error into words that hold no values of the event.
    pub(crate) fn from_execution(error: &ExecutionError) -> Self {
        Self::Failed(match error {
            ExecutionError::NoSuchKey(name) => return Self::MissingKey(shorten(name)),
            ExecutionError::NoSuchOverload(overload) => {
                let types = overload.argument_types().join(", ");
                format!(
                    "{} does not work with ({types})",
                    operator(overload.function())
                )
            }
            ExecutionError::UndeclaredReference(name) => format!("{} is not known", shorten(name)),
            ExecutionError::ValuesNotComparable(a, b) => {
                format!(
                    "a {} cannot be compared with a {}",
                    a.type_of(),
                    b.type_of()
                )
            }
            ExecutionError::UnsupportedBinaryOperator(name, a, b) => {
                let (a, b) = (a.type_of(), b.type_of());
                format!("{} does not work with ({a}, {b})", operator(name))
            }
            ExecutionError::UnsupportedIndex(a, b) => {
                format!("a {} is no index into a {}", a.type_of(), b.type_of())
            }
            ExecutionError::UnexpectedType { got, want } => {
                format!("a {} is needed, this is a {}", shorten(want), shorten(got))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "division by zero".to_owned()
            }
            ExecutionError::Overflow(name, ..) => {
                format!("the result of {} is out of range", operator(name))
            }
            ExecutionError::IndexOutOfBounds(_) => "the list has no such index".to_owned(),
            ExecutionError::FunctionError { function, .. } => {
                format!(
                    "{} could not work with what it was given",
                    shorten(function)
                )
            }
            ExecutionError::InvalidArgumentCount { expected, actual } => {
                format!("{expected} arguments are needed, {actual} are given")
            }
            _ => "the expression cannot be evaluated with this event".to_owned(),
        })
    }
}

/// `_+_` as people write it.
fn operator(name: &str) -> String {
    shorten(name.trim_start_matches('@').trim_matches('_'))
}

/// Names come from expressions of bounded size, but `input[input.x]` makes a value a name.
fn shorten(name: &str) -> String {
    const MOST_CHARS: usize = 64;
    let mut chars = name.chars();
    let mut short: String = chars.by_ref().take(MOST_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
