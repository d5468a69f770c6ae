//! Expressions, the loosest binding first.

use super::{Parsed, Parser};
use crate::host::tools::awk::ast::Expr;
use crate::host::tools::awk::lexer::Token;

impl Parser {
    pub(super) fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
        let mut all = Vec::new();
        self.newlines();
        while !self.eat(close) {
            all.push(self.expr()?);
            self.newlines();
            if !self.eat(",") && !self.is(close) {
                return self.unexpected();
            }
            self.newlines();
        }
        Ok(all)
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let expr = self.ternary();
        self.depth -= 1;
        expr
    }

    pub(super) fn ternary(&mut self) -> Parsed<Expr> {
        let cond = self.or()?;
        if self.eat("?") {
            self.newlines();
            let yes = self.expr()?;
            self.newlines();
            self.expect(":")?;
            self.newlines();
            let no = self.expr()?;
            return Ok(Expr::Cond(Box::new(cond), Box::new(yes), Box::new(no)));
        }
        if matches!(cond, Expr::Var(_) | Expr::Index(..) | Expr::Field(_)) {
            for (token, op) in
                [("=", ""), ("+=", "+"), ("-=", "-"), ("*=", "*"), ("/=", "/"), ("%=", "%"), ("^=", "^"), ("**=", "^")]
            {
                if self.eat(token) {
                    self.newlines();
                    return Ok(Expr::Assign(Box::new(cond), op, Box::new(self.expr()?)));
                }
            }
        }
        Ok(cond)
    }

    pub(super) fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.newlines();
            left = Expr::Binary("||", Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    pub(super) fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.newlines();
            left = Expr::Binary("&&", Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    pub(super) fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.word("in") {
            let Token::Name(array) = self.next() else { return self.unexpected() };
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }

    pub(super) fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        loop {
            let positive = self.is("~");
            let negative = self.is("!") && self.tokens.get(self.at + 1) == Some(&Token::Op("~"));
            if !positive && !negative {
                return Ok(left);
            }
            self.at += if positive { 1 } else { 2 };
            left = Expr::Match(positive, Box::new(left), Box::new(self.comparison()?));
        }
    }

    pub(super) fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concat()?;
        for op in ["==", "!=", "<=", ">=", "<", ">"] {
            if (op != ">" || !self.in_print) && self.eat(op) {
                return Ok(Expr::Binary(op, Box::new(left), Box::new(self.concat()?)));
            }
        }
        Ok(left)
    }

    pub(super) fn concat(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        loop {
            let starts = match self.peek() {
                Token::Number(_) | Token::Text(_) | Token::Func(_) | Token::Regex(_) => true,
                Token::Name(name) => name != "in",
                Token::Op(op) => {
                    matches!(*op, "$" | "(" | "-" | "+" | "++" | "--")
                        || (*op == "!" && self.tokens.get(self.at + 1) != Some(&Token::Op("~")))
                }
                _ => false,
            };
            if !starts {
                return Ok(left);
            }
            left = Expr::Binary(" ", Box::new(left), Box::new(self.sum()?));
        }
    }

    pub(super) fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let op = if self.eat("+") {
                "+"
            } else if self.eat("-") {
                "-"
            } else {
                return Ok(left);
            };
            left = Expr::Binary(op, Box::new(left), Box::new(self.product()?));
        }
    }

    pub(super) fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let Some(op) = ["*", "/", "%"].into_iter().find(|op| self.eat(op)) else { return Ok(left) };
            left = Expr::Binary(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    pub(super) fn unary(&mut self) -> Parsed<Expr> {
        for op in ['!', '-', '+'] {
            if self.eat(&op.to_string()) {
                self.deeper()?;
                let inner = self.unary();
                self.depth -= 1;
                return Ok(Expr::Unary(op, Box::new(inner?)));
            }
        }
        self.power()
    }

    pub(super) fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if self.eat("^") || self.eat("**") {
            self.deeper()?;
            let exponent = self.unary();
            self.depth -= 1;
            return Ok(Expr::Binary("^", Box::new(base), Box::new(exponent?)));
        }
        Ok(base)
    }

    pub(super) fn postfix(&mut self) -> Parsed<Expr> {
        let value = self.primary()?;
        if matches!(value, Expr::Var(_) | Expr::Index(..) | Expr::Field(_)) {
            if self.eat("++") {
                return Ok(Expr::Step(Box::new(value), 1.0, false));
            }
            if self.eat("--") {
                return Ok(Expr::Step(Box::new(value), -1.0, false));
            }
        }
        Ok(value)
    }

    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        Ok(match self.next() {
            Token::Number(number) => Expr::Number(number),
            Token::Text(text) => Expr::Text(text),
            Token::Regex(regex) => Expr::Regex(regex),
            Token::Func(name) => {
                self.expect("(")?;
                let before = std::mem::replace(&mut self.in_print, false);
                let arguments = self.list(")");
                self.in_print = before;
                Expr::Call(name, arguments?)
            }
            Token::Name(name) if name == "length" => Expr::Call(name, Vec::new()),
            Token::Name(name) if name == "getline" => self.getline()?,
            Token::Name(name) => {
                if self.eat("[") {
                    Expr::Index(name, self.list("]")?)
                } else {
                    Expr::Var(name)
                }
            }
            Token::Op("$") => {
                self.deeper()?;
                let field = if self.is("-") { self.unary() } else { self.increment() };
                self.depth -= 1;
                Expr::Field(Box::new(field?))
            }
            Token::Op(op @ ("++" | "--")) => {
                let target = self.primary()?;
                Expr::Step(Box::new(target), if op == "++" { 1.0 } else { -1.0 }, true)
            }
            Token::Op("(") => {
                let before = std::mem::replace(&mut self.in_print, false);
                let list = self.list(")");
                self.in_print = before;
                let mut list = list?;
                if self.word("in") {
                    let Token::Name(array) = self.next() else { return self.unexpected() };
                    Expr::In(list, array)
                } else if list.len() == 1 {
                    // Parentheses end what an assignment may be joined to.
                    Expr::Cond(Box::new(Expr::Number(1.0)), Box::new(list.remove(0)), Box::new(Expr::Number(0.0)))
                } else {
                    return self.unexpected();
                }
            }
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        })
    }

    /// `getline [VARIABLE] < FILE`: other forms would need a command or the input meanwhile.
    pub(super) fn getline(&mut self) -> Parsed<Expr> {
        let before = std::mem::replace(&mut self.in_print, false);
        let target = match self.peek() {
            Token::Name(_) | Token::Op("$") => Some(Box::new(self.primary()?)),
            _ => None,
        };
        self.in_print = before;
        if !self.eat("<") {
            return Err("getline is here only from a file: getline < \"file\"".into());
        }
        let file = self.primary()?;
        Ok(Expr::Getline(target, Box::new(file)))
    }

    /// What may follow `$` without parentheses.
    pub(super) fn increment(&mut self) -> Parsed<Expr> {
        self.primary()
    }
}
