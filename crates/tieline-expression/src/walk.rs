//! Walks a parsed expression once: refuses what may not be used, and counts what costs time.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};

use crate::scope::NAMES;

/// The functions that may be called. Operators are known by their first character.
const FUNCTIONS: [&str; 13] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];
/// Names of types, which are values too.
const TYPES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];
/// Most bytes of a regular expression.
const MOST_PATTERN_BYTES: usize = 256;
/// Most regular expressions in one expression. Each is compiled at every evaluation.
const MOST_PATTERNS: usize = 8;

/// What an expression costs, as far as its text tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Macros that loop: `all`, `exists`, `exists_one`, `filter`, `map`.
    pub(crate) loops: usize,
    /// Loops whose body looks at more than the element, so that a step costs more than a little.
    pub(crate) wide_loops: usize,
    /// Places outside loops where values are put together: `+`, and elements of lists and maps.
    pub(crate) copies: usize,
    /// How much larger than the event the result of loops over the results of loops may be: the
    /// product of such places in each loop. A macro's own, for collecting its result, are counted.
    pub(crate) growth: usize,
    patterns: usize,
}

/// What may not be used, and where: the node's id in the source information.
pub(crate) struct Offence {
    pub(crate) node: u64,
    pub(crate) message: String,
}

impl Offence {
    fn at(node: &IdedExpr, message: impl Into<String>) -> Self {
        Self {
            node: node.id,
            message: message.into(),
        }
    }
}

/// Walks the expression.
pub(crate) fn walk(root: &IdedExpr) -> Result<Cost, Offence> {
    let cost = Cost {
        loops: 0,
        wide_loops: 0,
        copies: 0,
        growth: 1,
        patterns: 0,
    };
    let mut walker = Walker {
        cost,
        bound: Vec::new(),
        wide: false,
    };
    walker.visit(root)?;
    Ok(walker.cost)
}

struct Walker<'a> {
    cost: Cost,
    /// The variables of the loop around, if any: element, second element, accumulator.
    bound: Vec<&'a str>,
    /// Whether the loop around has looked at something else.
    wide: bool,
}

impl<'a> Walker<'a> {
    fn visit(&mut self, node: &'a IdedExpr) -> Result<(), Offence> {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Call(call) => self.call(node, call),
            Expr::Comprehension(inner) => self.comprehension(node, inner),
            Expr::List(list) => {
                self.cost.copies += list.elements.len();
                list.elements
                    .iter()
                    .try_for_each(|element| self.visit(element))
            }
            Expr::Map(map) => {
                self.cost.copies += map.entries.len();
                map.entries.iter().try_for_each(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        self.visit(&entry.key)?;
                        self.visit(&entry.value)
                    }
                    EntryExpr::StructField(field) => self.visit(&field.value),
                })
            }
            Expr::Struct(_) => Err(Offence::at(node, "messages are not supported")),
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Result<(), Offence> {
        if self.bound.contains(&name) {
            return Ok(());
        }
        let plain = name.trim_start_matches('.');
        if NAMES.contains(&plain) {
            self.wide = true;
            return Ok(());
        }
        if TYPES.contains(&plain) {
            return Ok(());
        }
        let known = NAMES.join(", ");
        Err(Offence::at(
            node,
            format!("{name} is not known; there are {known}"),
        ))
    }

    fn call(&mut self, node: &IdedExpr, call: &'a CallExpr) -> Result<(), Offence> {
        let name = call.func_name.as_str();
        let is_operator = name.starts_with(['_', '!', '-', '@']);
        if !is_operator && !FUNCTIONS.contains(&name) {
            let known = FUNCTIONS.join(", ");
            return Err(Offence::at(
                node,
                format!("{name}() is not known; there are {known}"),
            ));
        }
        if name == operators::ADD {
            self.cost.copies += 1;
        }
        if name == "matches" {
            self.pattern(node, call)?;
        }
        if let Some(target) = &call.target {
            self.visit(target)?;
        }
        call.args
            .iter()
            .try_for_each(|argument| self.visit(argument))
    }

    /// A pattern from an event could be as large as the event; one in a loop would be compiled at
    /// every step.
    fn pattern(&mut self, node: &IdedExpr, call: &CallExpr) -> Result<(), Offence> {
        self.cost.patterns += 1;
        let literal = match call.args.last().map(|argument| &argument.expr) {
            Some(Expr::Literal(LiteralValue::String(text))) => text.inner(),
            _ => return Err(Offence::at(node, "matches() needs its pattern written out")),
        };
        if literal.len() > MOST_PATTERN_BYTES {
            return Err(Offence::at(node, "the pattern has more than 256 bytes"));
        }
        if !self.bound.is_empty() {
            return Err(Offence::at(
                node,
                "matches() may not be used inside a macro",
            ));
        }
        if self.cost.patterns > MOST_PATTERNS {
            return Err(Offence::at(node, "matches() may be used 8 times at most"));
        }
        Ok(())
    }

    fn comprehension(
        &mut self,
        node: &IdedExpr,
        inner: &'a ComprehensionExpr,
    ) -> Result<(), Offence> {
        self.visit(&inner.iter_range)?;
        self.visit(&inner.accu_init)?;
        if !self.bound.is_empty() {
            let message = "macros (all, exists, exists_one, filter, map) may not be nested";
            return Err(Offence::at(node, message));
        }
        let outside = std::mem::replace(&mut self.wide, false);
        let copies = self.cost.copies;
        self.bound
            .extend([inner.iter_var.as_str(), inner.accu_var.as_str()]);
        self.bound.extend(inner.iter_var2.as_deref());
        let body = [&inner.loop_cond, &inner.loop_step, &inner.result];
        body.into_iter().try_for_each(|part| self.visit(part))?;
        self.bound.clear();
        let copies = std::mem::replace(&mut self.cost.copies, copies) - copies;
        self.cost.growth = self.cost.growth.saturating_mul(copies.max(1));
        self.cost.loops += 1;
        self.cost.wide_loops += usize::from(self.wide);
        self.wide |= outside;
        Ok(())
    }
}
