//! The grammar of awk(1).

mod expression;

use super::ast::{Expr, Function, Script, Stmt, Target, When};
use super::lexer::{Token, lex};

/// Nesting that is followed.
const MAX_DEPTH: u32 = 100;

pub(super) type Parsed<T> = Result<T, String>;

/// Parses a program.
///
/// # Errors
/// `syntax error`, with what it is near.
pub fn parse(text: &str) -> Parsed<Script> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0, no_in: false, in_print: false };
    parser.script()
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    no_in: bool,
    /// Whether `>` redirects instead of comparing.
    in_print: bool,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.peek(), Token::Op(own) if *own == op)
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Parsed<()> {
        if self.eat(op) { Ok(()) } else { self.unexpected() }
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        Err(match self.peek() {
            Token::End => "syntax error at or near end of program".into(),
            Token::Newline => "syntax error at or near end of line".into(),
            Token::Op(op) => format!("syntax error at or near {op}"),
            Token::Name(name) | Token::Func(name) => format!("syntax error at or near {name}"),
            Token::Number(number) => format!("syntax error at or near {number}"),
            Token::Text(text) | Token::Regex(text) => format!("syntax error at or near {text}"),
        })
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(name) | Token::Func(name) if name == word);
        self.at += usize::from(found);
        found
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn separators(&mut self) {
        while *self.peek() == Token::Newline || self.is(";") {
            self.at += 1;
        }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err("program nested too deeply".into()) } else { Ok(()) }
    }

    fn script(&mut self) -> Parsed<Script> {
        let mut script = Script::default();
        loop {
            self.separators();
            if *self.peek() == Token::End {
                return Ok(script);
            }
            if self.word("function") || self.word("func") {
                let name = match self.next() {
                    Token::Name(name) | Token::Func(name) => name,
                    _ => return self.unexpected(),
                };
                self.expect("(")?;
                let mut params = Vec::new();
                while let Token::Name(name) = self.peek().clone() {
                    params.push(name);
                    self.at += 1;
                    self.eat(",");
                }
                self.expect(")")?;
                self.newlines();
                let body = self.block()?;
                script.functions.push(Function { name, params, body });
                continue;
            }
            let when = if self.word("BEGIN") {
                When::Begin
            } else if self.word("END") {
                When::End
            } else if self.is("{") {
                When::Always
            } else {
                let first = self.expr()?;
                if self.eat(",") {
                    self.newlines();
                    script.ranges += 1;
                    When::Range(first, self.expr()?, script.ranges - 1)
                } else {
                    When::If(first)
                }
            };
            let action = if self.is("{") { Some(self.block()?) } else { None };
            script.rules.push((when, action));
        }
    }

    fn block(&mut self) -> Parsed<Stmt> {
        self.expect("{")?;
        let mut all = Vec::new();
        loop {
            self.separators();
            if self.eat("}") {
                return Ok(Stmt::Block(all));
            }
            all.push(self.statement()?);
        }
    }

    fn body(&mut self) -> Parsed<Box<Stmt>> {
        self.newlines();
        if self.eat(";") {
            return Ok(Box::new(Stmt::Block(Vec::new())));
        }
        self.statement().map(Box::new)
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.deeper()?;
        let statement = self.statement_here();
        self.depth -= 1;
        statement
    }

    fn end(&mut self) -> Parsed<()> {
        if self.is("}") || *self.peek() == Token::End || self.is(")") {
            return Ok(());
        }
        if self.is(";") || *self.peek() == Token::Newline {
            self.at += 1;
            return Ok(());
        }
        self.unexpected()
    }

    fn statement_here(&mut self) -> Parsed<Stmt> {
        if self.is("{") {
            return self.block();
        }
        let keyword = match self.peek() {
            Token::Name(name) | Token::Func(name) => name.clone(),
            _ => String::new(),
        };
        match keyword.as_str() {
            "if" => {
                self.at += 1;
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                let yes = self.body()?;
                let mark = self.at;
                self.separators();
                let no = if self.word("else") {
                    Some(self.body()?)
                } else {
                    self.at = mark;
                    None
                };
                return Ok(Stmt::If(cond, yes, no));
            }
            "while" => {
                self.at += 1;
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                return Ok(Stmt::While(cond, self.body()?, false));
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.separators();
                if !self.word("while") {
                    return self.unexpected();
                }
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                return Ok(Stmt::While(cond, body, true));
            }
            "for" => return self.for_statement(),
            _ => {}
        }
        let statement = self.simple()?;
        self.end()?;
        Ok(statement)
    }

    fn for_statement(&mut self) -> Parsed<Stmt> {
        self.at += 1;
        self.expect("(")?;
        if let [Token::Name(var), Token::Name(word), Token::Name(array), Token::Op(")")] =
            self.tokens.get(self.at..self.at + 4).unwrap_or_default()
            && word == "in"
        {
            let (var, array) = (var.clone(), array.clone());
            self.at += 4;
            return Ok(Stmt::ForIn(var, array, self.body()?));
        }
        let first = if self.is(";") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        let cond = if self.is(";") { None } else { Some(self.expr()?) };
        self.expect(";")?;
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Stmt::For(first, cond, step, self.body()?))
    }

    fn ends_here(&self) -> bool {
        matches!(self.peek(), Token::Newline | Token::End | Token::Op(";" | "}" | ">" | ">>" | "|"))
    }

    fn simple(&mut self) -> Parsed<Stmt> {
        let keyword = match self.peek() {
            Token::Name(name) | Token::Func(name) => name.clone(),
            _ => String::new(),
        };
        self.at += 1;
        Ok(match keyword.as_str() {
            "print" | "printf" => {
                let (arguments, target) = self.print_arguments()?;
                if keyword == "print" { Stmt::Print(arguments, target) } else { Stmt::Printf(arguments, target) }
            }
            "next" | "nextfile" => Stmt::Next,
            "exit" => Stmt::Exit(if self.ends_here() { None } else { Some(self.expr()?) }),
            "return" => Stmt::Return(if self.ends_here() { None } else { Some(self.expr()?) }),
            "break" => Stmt::Break,
            "continue" => Stmt::Continue,
            "delete" => {
                let Token::Name(array) = self.next() else { return self.unexpected() };
                let mut index = Vec::new();
                if self.eat("[") {
                    index = self.list("]")?;
                }
                Stmt::Delete(array, index)
            }
            _ => {
                self.at -= 1;
                Stmt::Expr(self.expr()?)
            }
        })
    }

    fn print_arguments(&mut self) -> Parsed<(Vec<Expr>, Option<Target>)> {
        let before = std::mem::replace(&mut self.in_print, true);
        let mut arguments = Vec::new();
        // `print (a, b) > "f"`: parentheses around the whole list.
        let mark = self.at;
        if self.eat("(") {
            self.in_print = false;
            let list = self.list(")");
            self.in_print = true;
            match list {
                Ok(list) if self.ends_here() => arguments = list,
                _ => self.at = mark,
            }
        }
        if arguments.is_empty() && !self.ends_here() {
            loop {
                arguments.push(self.expr()?);
                if !self.eat(",") {
                    break;
                }
                self.newlines();
            }
        }
        let target = if self.eat(">>") {
            Some(Target::Append(self.concat()?))
        } else if self.eat(">") {
            Some(Target::Write(self.concat()?))
        } else if self.eat("|") {
            Some(Target::Pipe(self.concat()?))
        } else {
            None
        };
        self.in_print = before;
        Ok((arguments, target))
    }
}
