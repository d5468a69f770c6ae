//! The grammar of awk(1).

/// An expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// The next line of a file: where to, and from which file.
    Getline(Option<Box<Expr>>, Box<Expr>),
    Number(f64),
    Text(String),
    /// `/regex/`, matched against `$0` where a value is wanted.
    Regex(String),
    Var(String),
    Index(String, Vec<Expr>),
    Field(Box<Expr>),
    Assign(Box<Expr>, &'static str, Box<Expr>),
    /// `++x`, `x--`: step and whether it comes before.
    Step(Box<Expr>, f64, bool),
    Unary(char, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Match(bool, Box<Expr>, Box<Expr>),
    In(Vec<Expr>, String),
    Cond(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}

/// Where `print` writes.
#[derive(Clone, Debug)]
pub enum Target {
    Write(Expr),
    Append(Expr),
    /// To the standard input of a command.
    Pipe(Expr),
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<Target>),
    Printf(Vec<Expr>, Option<Target>),
    Block(Vec<Stmt>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>, bool),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    ForIn(String, String, Box<Stmt>),
    Delete(String, Vec<Expr>),
    Next,
    Exit(Option<Expr>),
    Break,
    Continue,
    Return(Option<Expr>),
}

/// When an action runs.
#[derive(Clone, Debug)]
pub enum When {
    Begin,
    End,
    Always,
    If(Expr),
    /// From one match to another; the number finds its state.
    Range(Expr, Expr, usize),
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub params: Vec<String>,
    pub body: Stmt,
}

/// A program.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub rules: Vec<(When, Option<Stmt>)>,
    pub functions: Vec<Function>,
    pub ranges: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name directly before `(`.
    Func(String),
    Op(&'static str),
    Newline,
    End,
}

const OPERATORS: &[&str] = &[
    "**=", "&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", ">>", "**", "{", "}",
    "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

/// Nesting that is followed.
const MAX_DEPTH: u32 = 100;

type Parsed<T> = Result<T, String>;

/// Parses a program.
///
/// # Errors
/// `syntax error`, with what it is near.
pub fn parse(text: &str) -> Parsed<Script> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0, no_in: false, in_print: false };
    parser.script()
}

fn lex(text: &str) -> Parsed<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        match c {
            ' ' | '\t' | '\r' => at += 1,
            '\n' => {
                tokens.push(Token::Newline);
                at += 1;
            }
            '\\' if chars.get(at + 1) == Some(&'\n') => at += 2,
            '#' => at += chars[at..].iter().take_while(|c| **c != '\n').count(),
            '"' => {
                let (raw, next) = quoted(&chars, at + 1, '"')?;
                tokens.push(Token::Text(super::super::system::unescape(&raw.replace("\\/", "/"))));
                at = next;
            }
            '/' if regex_may_follow(tokens.last()) => {
                let (raw, next) = quoted(&chars, at + 1, '/')?;
                tokens.push(Token::Regex(raw.replace("\\/", "/")));
                at = next;
            }
            c if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) => {
                let mut end = at;
                while chars.get(end).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
                    end += 1;
                }
                if matches!(chars.get(end), Some('e' | 'E')) && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
                    end += 2;
                    while chars.get(end).is_some_and(char::is_ascii_digit) {
                        end += 1;
                    }
                }
                let digits: String = chars[at..end].iter().collect();
                tokens.push(Token::Number(digits.parse().map_err(|_| format!("syntax error near {digits}"))?));
                at = end;
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let name: String = chars[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
                at += name.len();
                tokens.push(if chars.get(at) == Some(&'(') { Token::Func(name) } else { Token::Name(name) });
            }
            _ => {
                let rest: String = chars[at..].iter().take(3).collect();
                let op = OPERATORS.iter().find(|op| rest.starts_with(**op));
                let op = op.ok_or_else(|| format!("syntax error near {c}"))?;
                at += op.len();
                tokens.push(Token::Op(op));
            }
        }
    }
    tokens.push(Token::End);
    Ok(tokens)
}

fn quoted(chars: &[char], mut at: usize, end: char) -> Parsed<(String, usize)> {
    let mut text = String::new();
    loop {
        match chars.get(at) {
            Some(c) if *c == end => return Ok((text, at + 1)),
            Some('\\') => {
                text.push('\\');
                text.extend(chars.get(at + 1));
                at += 2;
            }
            Some('\n') | None => return Err("unterminated string or regex".into()),
            Some(c) => {
                text.push(*c);
                at += 1;
            }
        }
    }
}

fn regex_may_follow(last: Option<&Token>) -> bool {
    !matches!(last, Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Op(")" | "]" | "$" | "++" | "--")))
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

    fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
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

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let expr = self.ternary();
        self.depth -= 1;
        expr
    }

    fn ternary(&mut self) -> Parsed<Expr> {
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

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.newlines();
            left = Expr::Binary("||", Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.newlines();
            left = Expr::Binary("&&", Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.word("in") {
            let Token::Name(array) = self.next() else { return self.unexpected() };
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
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

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concat()?;
        for op in ["==", "!=", "<=", ">=", "<", ">"] {
            if (op != ">" || !self.in_print) && self.eat(op) {
                return Ok(Expr::Binary(op, Box::new(left), Box::new(self.concat()?)));
            }
        }
        Ok(left)
    }

    fn concat(&mut self) -> Parsed<Expr> {
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

    fn sum(&mut self) -> Parsed<Expr> {
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

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let Some(op) = ["*", "/", "%"].into_iter().find(|op| self.eat(op)) else { return Ok(left) };
            left = Expr::Binary(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
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

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if self.eat("^") || self.eat("**") {
            self.deeper()?;
            let exponent = self.unary();
            self.depth -= 1;
            return Ok(Expr::Binary("^", Box::new(base), Box::new(exponent?)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
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

    fn primary(&mut self) -> Parsed<Expr> {
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
    fn getline(&mut self) -> Parsed<Expr> {
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
    fn increment(&mut self) -> Parsed<Expr> {
        self.primary()
    }
}
