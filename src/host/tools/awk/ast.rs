//! What a script is made of.

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
