//! An expression, compiled and found harmless.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    thread,
};

use cel::{Env, ParseErrors, Program};

use crate::{error::ExpressionError, guard, walk};

/// Enough for the deepest text that the guard lets through, in a debug build too.
pub(crate) const STACK_BYTES: usize = 32 * 1024 * 1024;

/// The depth at which the library's parser stops; its default, which it does not let us read.
const MOST_RECURSION: usize = 96;

/// The standard functions and macros, for compiling and evaluating.
pub(crate) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// An expression, compiled and found harmless. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    text: String,
    program: Program,
    cost: walk::Cost,
}

impl Expression {
    /// Compiles `text`, on a thread of its own with a large stack. Blocks for a moment: meant for
    /// reading settings, not for every event.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        guard::check(text)?;
        let text = text.to_owned();
        let compiling = thread::Builder::new()
            .name("tieline-compile".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || compile(text))
            .map_err(ExpressionError::Thread)?;
        compiling.join().unwrap_or(Err(ExpressionError::Abandoned))
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn program(&self) -> &Program {
        &self.0.program
    }

    pub(crate) fn cost(&self) -> walk::Cost {
        self.0.cost
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.text).finish()
    }
}

fn compile(text: String) -> Result<Expression, ExpressionError> {
    let program = ENV.compile(&text).map_err(|errors| syntax(&errors))?;
    let cost = walk::walk(program.expression()).map_err(|offence| {
        let offset = program
            .source_info()
            .offset_for(offence.node)
            .map_or(0, |(start, _)| start);
        let (line, column) = position(&text, offset);
        ExpressionError::Syntax {
            line,
            column,
            message: offence.message,
        }
    })?;
    Ok(Expression(Arc::new(Compiled {
        text,
        program,
        cost,
    })))
}

/// The first error: those that follow are mostly its consequences.
fn syntax(errors: &ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::Syntax {
            line: 1,
            column: 1,
            message: "it is empty".to_owned(),
        };
    };
    if first.msg.contains("Recursion limit") {
        let what = "too many parts inside one another";
        return ExpressionError::TooComplex {
            what,
            most: MOST_RECURSION,
        };
    }
    let count = |at: isize| usize::try_from(at).unwrap_or(1).max(1);
    let (line, column) = first.pos;
    let message = first
        .msg
        .trim()
        .trim_start_matches("Syntax error: ")
        .to_owned();
    ExpressionError::Syntax {
        line: count(line),
        column: count(column),
        message,
    }
}

/// Line and column, from 1, of the character at `offset`.
fn position(text: &str, offset: u32) -> (usize, usize) {
    let before = text
        .chars()
        .take(usize::try_from(offset).unwrap_or(usize::MAX));
    before.fold((1, 1), |(line, column), c| {
        if c == '\n' {
            (line + 1, 1)
        } else {
            (line, column + 1)
        }
    })
}
