//! jq(1), by the jaq interpreter: key order is kept, texts are those of jq 1.6.

use bytes::Bytes;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Error, Exn, Native, Vars, data, native, unwrap_valr};
use jaq_json::{Val, read, write};

use crate::host::program::Env;

/// Outputs of one run at most: a program may generate values without end.
const MAX_OUTPUT: usize = 16 << 20;
/// Functions that would look at the real machine or its clock.
const OUTSIDE: &[&str] =
    &["env", "now", "localtime", "strflocaltime", "mktime", "input", "inputs", "input_filename", "halt", "halt_error"];
/// Definitions that can go on for ever: they count their rounds.
const LOOPS: &str = "
def range($from; $upto; $by): __range($from; $upto; $by) | __tick;
def repeat(f): def rec: __tick | (f, rec); rec;
def recurse(f): def rec: __tick | (., (f | rec)); rec;
def while(cond; update): def rec: __tick | if cond then ., (update | rec) else [][] end; rec;
def until(cond; update): def rec: __tick | if cond then . else update | rec end; rec;
";
/// Rounds of all loops of a run together.
const MAX_ROUNDS: u32 = 1_000_000;

thread_local! {
    /// Rounds that are left. The interpreter's functions know nothing of who calls them; each run
    /// sets it anew and ends on the same thread.
    static ROUNDS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Takes a round; an error when none is left.
fn spend<T>(value: T) -> Result<T, Error<Val>> {
    let left = ROUNDS.get();
    ROUNDS.set(left.saturating_sub(1));
    if left == 0 { Err(Error::str("program ran too long")) } else { Ok(value) }
}

/// `__tick`: the value itself, until the rounds are used up.
fn tick() -> native::Fun<data::JustLut<Val>> {
    let tick = Native::new(|cv| native::bome(spend(cv.1)))
        .with_paths(|cv| Box::new(std::iter::once(spend(cv.1).map_err(Exn::from))))
        .with_update(|cv, update| update(cv.1));
    ("__tick", native::v(0), tick)
}

/// Whether a filter defines a function that calls itself: it could do so for ever.
fn recurs(filter: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let words = |text: &str, name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(|c| is_name(c) || matches!(c, '.' | '$' | '@')) && !after.is_some_and(is_name)
        })
    };
    filter.match_indices("def ").any(|(at, _)| {
        let rest = filter[at + 4..].trim_start();
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
        // The body ends at a semicolon outside brackets and inner definitions.
        let Some(begin) = rest.find(':') else { return false };
        let body = &rest[begin + 1..];
        let (mut depth, mut inner) = (0_i32, 0_i32);
        let mut end = body.len();
        for (at, c) in body.char_indices() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                'd' if depth == 0 && body[at..].starts_with("def ") => inner += 1,
                ';' if depth == 0 && inner == 0 => {
                    end = at;
                    break;
                }
                ';' if depth == 0 => inner -= 1,
                _ => {}
            }
        }
        !name.is_empty() && words(&body[..end], name)
    })
}

/// Formats of rows, which the interpreter leaves to others.
const ROWS: &str = r#"
def __row(format; quoted):
  if type != "array" then error("\(type) (\(tojson)) cannot be \(format)-formatted, only an array can be")
  else map(
    if type == "number" or type == "boolean" then tojson elif . == null then "" elif type == "string" then quoted
    else error("\(type) (\(tojson)) is not valid in a csv row") end)
  end;
def @csv: __row("csv"; "\"" + gsub("\""; "\"\"") + "\"") | join(",");
def @tsv: __row("tsv"; gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r")) | join("\t");
"#;
/// What is left of the input, with `-n`.
const INPUTS: &str = "def inputs: $__inputs[];";

/// Options of a command line.
#[derive(Debug, Default)]
struct Options {
    raw: bool,
    join: bool,
    compact: bool,
    sort: bool,
    slurp: bool,
    null: bool,
    raw_input: bool,
    exit_status: bool,
    indent: Option<usize>,
    tab: bool,
    vars: Vec<(String, Val)>,
    filter: Option<String>,
    files: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        let mut options = Options::default();
        let mut rest = args.iter().skip(1).cloned();
        while let Some(arg) = rest.next() {
            let letters = match arg.as_str() {
                "--raw-output" => "r",
                "--join-output" => "j",
                "--compact-output" => "c",
                "--sort-keys" => "S",
                "--slurp" => "s",
                "--null-input" => "n",
                "--raw-input" => "R",
                "--exit-status" => "e",
                "--tab" => {
                    options.tab = true;
                    continue;
                }
                "--color-output" | "--monochrome-output" => "M",
                "--indent" => {
                    options.indent = rest.next().and_then(|number| number.parse().ok()).filter(|number| *number < 8);
                    continue;
                }
                "--arg" | "--argjson" => {
                    let (Some(name), Some(text)) = (rest.next(), rest.next()) else {
                        return Err(format!("jq: error: {arg} takes two parameters (e.g. {arg} varname value)"));
                    };
                    let value = match arg.as_str() {
                        "--arg" => Val::from(text),
                        _ => read::parse_single(text.as_bytes())
                            .map_err(|_| format!("jq: Invalid JSON text passed to --{}", &arg[2..]))?,
                    };
                    options.vars.push((format!("${name}"), value));
                    continue;
                }
                long if long.starts_with("--") => {
                    return Err(format!("jq: Unknown arguments\n{USAGE}"));
                }
                short if short.len() > 1 && short.starts_with('-') => &short[1..],
                _ => {
                    match &options.filter {
                        None => options.filter = Some(arg),
                        Some(_) => options.files.push(arg),
                    }
                    continue;
                }
            };
            for letter in letters.chars() {
                match letter {
                    'r' => options.raw = true,
                    'j' => (options.raw, options.join) = (true, true),
                    'c' => options.compact = true,
                    'S' => options.sort = true,
                    's' => options.slurp = true,
                    'n' => options.null = true,
                    'R' => options.raw_input = true,
                    'e' => options.exit_status = true,
                    'M' | 'C' | 'a' => {}
                    _ => return Err(format!("jq: Unknown arguments\n{USAGE}")),
                }
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "Use jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq";

/// Whether a command line has jq read standard input.
pub fn reads(args: &[String]) -> bool {
    // With `-n` only a program that asks for inputs gets some.
    let wants = |options: &Options| !options.null || options.filter.as_ref().is_some_and(|text| text.contains("input"));
    Options::parse(args).is_ok_and(|options| options.files.is_empty() && wants(&options))
}

/// `jq`.
pub fn jq(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let options = match Options::parse(env.args) {
        Ok(options) => options,
        Err(text) => {
            env.errln(text);
            return 2;
        }
    };
    let mut input = Vec::new();
    let mut status = 0;
    if options.files.is_empty() {
        input.extend_from_slice(&stdin);
    }
    for file in &options.files {
        match super::read_file(env, &env.path(file)) {
            Ok(text) => input.extend(text),
            Err(error) => {
                env.errln(format!("jq: error: Could not open {file}: {error}"));
                status = 2;
            }
        }
    }
    let filter = options.filter.clone().unwrap_or_else(|| ".".into());
    match run(&filter, &input, &options, env) {
        Ok(last) if options.exit_status && status == 0 => last,
        Ok(_) => status,
        Err(code) => code,
    }
}

/// Runs the filter over all inputs: the status for `-e`.
///
/// # Errors
/// The exit status after a message.
fn run(filter: &str, input: &[u8], options: &Options, env: &mut Env<'_, '_>) -> Result<u8, u8> {
    if recurs(filter) {
        env.errln("jq: error: functions that call themselves are not available here");
        return Err(3);
    }
    ROUNDS.set(MAX_ROUNDS);
    let inside = |name: &str| !OUTSIDE.contains(&name);
    let parse = |text: &'static str| load::parse(text, |parser| parser.defs()).unwrap_or_default();
    let (mut values, broken) = inputs(input, options);
    let mut vars = options.vars.clone();
    let lines = input.iter().filter(|octet| **octet == b'\n').count();
    let mut own = parse(ROWS);
    if options.null {
        vars.push(("$__inputs".into(), std::mem::replace(&mut values, vec![Val::Null]).into_iter().collect()));
        own.extend(parse(INPUTS));
    }
    let counted = |def: &load::parse::Def<&str>| match (def.name, def.args.len()) {
        ("repeat" | "recurse", 1) | ("while" | "until", 2) => false,
        _ => inside(def.name),
    };
    let defs = parse(LOOPS)
        .into_iter()
        .chain(jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).filter(counted))
        .chain(own);
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).filter(|fun| inside(fun.0));
    let funs = funs.map(|(name, args, run)| (if name == "range" { "__range" } else { name }, args, run));
    let funs = funs.chain(std::iter::once(tick()));
    let arena = Arena::default();
    let Ok(modules) = Loader::new(defs).load(&arena, File { code: filter, path: () }) else {
        env.errln(format!(
            "jq: error: syntax error, unexpected INVALID_CHARACTER (Unix shell quoting issues?) at <top-level>, line 1:\n{filter}"
        ));
        env.errln("jq: 1 compile error");
        return Err(3);
    };
    let names = vars.iter().map(|(name, _)| name.as_str());
    let filter_code = match Compiler::default().with_funs(funs).with_global_vars(names).compile(modules) {
        Ok(compiled) => compiled,
        Err(errors) => {
            let mut count = 0;
            for (name, _) in errors.iter().flat_map(|(_, errors)| errors) {
                let name = if name.starts_with('$') { (*name).to_owned() } else { format!("{name}/0") };
                env.errln(format!("jq: error: {name} is not defined at <top-level>, line 1:\n{filter}"));
                count += 1;
            }
            env.errln(format!("jq: {count} compile error{}", if count == 1 { "" } else { "s" }));
            return Err(3);
        }
    };
    let (mut status, mut last) = (None, 4);
    for (nth, value) in values.into_iter().enumerate() {
        // jq counts the lines that it has read; a last one without an end is none.
        let place = if options.null { "<unknown>".to_owned() } else { format!("<stdin>:{}", lines.min(nth + 1)) };
        let vars = Vars::new(vars.iter().map(|(_, value)| value.clone()));
        let ctx = Ctx::<data::JustLut<Val>>::new(&filter_code.lut, vars);
        for output in filter_code.id.run((ctx, value)).map(unwrap_valr) {
            match output {
                Ok(value) => {
                    last = u8::from(matches!(value, Val::Null | Val::Bool(false)));
                    print(&value, options, env);
                }
                Err(error) => {
                    env.errln(format!("jq: error (at {place}): {}", reason(&error.to_string())));
                    status = Some(5);
                    break;
                }
            }
            if env.stdout.len() > MAX_OUTPUT {
                env.errln("jq: error: too much output");
                return Err(5);
            }
        }
    }
    if let Some(text) = broken {
        env.errln(format!("parse error: {text}"));
        // jq says that nothing came out.
        return Err(4);
    }
    status.map_or(Ok(last), Err)
}

/// The words of jq for an error of the interpreter.
fn reason(text: &str) -> String {
    let kind = |value: &str| match value.chars().next() {
        Some('"') => "string",
        Some('[') => "array",
        Some('{') => "object",
        Some('t' | 'f') => "boolean",
        Some('n') => "null",
        _ => "number",
    };
    if let Some((value, key)) = text.strip_prefix("cannot index ").and_then(|rest| rest.rsplit_once(" with ")) {
        return match key.starts_with('"') {
            true => format!("Cannot index {} with {key}", kind(value)),
            false => format!("Cannot index {} with {}", kind(value), kind(key)),
        };
    }
    if let Some((left, right)) = text.strip_prefix("cannot calculate ").and_then(|sum| sum.split_once(" + ")) {
        return format!("{} ({left}) and {} ({right}) cannot be added", kind(left), kind(right));
    }
    // What `error` was given.
    if let Some(message) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return message.replace("\\\"", "\"");
    }
    if let Some(value) =
        text.strip_prefix("cannot use ").and_then(|rest| rest.strip_suffix(" as iterable (array or object)"))
    {
        return format!("Cannot iterate over {} ({value})", kind(value));
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The values that the filter is run on, and what is wrong after them.
fn inputs(input: &[u8], options: &Options) -> (Vec<Val>, Option<String>) {
    if options.raw_input {
        let text = String::from_utf8_lossy(input).into_owned();
        let values = match options.slurp {
            true => vec![Val::from(text)],
            false => text.lines().map(|line| Val::from(line.to_owned())).collect(),
        };
        return (values, None);
    }
    let mut values = Vec::new();
    let mut broken = None;
    for value in read::parse_many(input) {
        match value {
            Ok(value) => values.push(value),
            Err(_) => {
                let (line, column) = end_of(input);
                let words = match input.trim_ascii().last() {
                    Some(b'}' | b']') => format!("Invalid numeric literal at line {line}, column {column}"),
                    _ => format!("Unfinished JSON term at EOF at line {line}, column {column}"),
                };
                broken = Some(words);
                break;
            }
        }
    }
    if options.slurp && broken.is_none() {
        values = vec![values.into_iter().collect()];
    }
    (values, broken)
}

/// Line and column of the end of a text, as jq counts them.
fn end_of(input: &[u8]) -> (usize, usize) {
    let line = input.iter().filter(|octet| **octet == b'\n').count() + 1;
    (line, input.iter().rev().take_while(|octet| **octet != b'\n').count())
}

fn print(value: &Val, options: &Options, env: &mut Env<'_, '_>) {
    let text = match value {
        Val::TStr(text) => Some(text.to_vec()),
        _ => None,
    };
    match text.filter(|_| options.raw) {
        Some(text) => env.stdout.extend(text),
        None => {
            let indent = if options.tab { "\t".to_owned() } else { " ".repeat(options.indent.unwrap_or(2)) };
            let form = write::Pp {
                indent: (!options.compact && !indent.is_empty()).then_some(indent),
                sort_keys: options.sort,
                sep_space: !options.compact,
                ..write::Pp::default()
            };
            // Writing to memory does not fail.
            let _ = write::write(env.stdout, &form, 0, value);
        }
    }
    if !options.join {
        env.stdout.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text, write};

    const QUEUE: &str = concat!(
        r#"{"queue_name": "deferred", "queue_id": "B32", "arrival_time": 1577622574, "forced_expire": false, "#,
        r#""sender": "root@ubuntu", "recipients": [{"address": "xa@b.test", "delay_reason": "x"}]}"#,
        "\n",
        r#"{"queue_name": "hold", "queue_id": "C44", "sender": "", "recipients": [{"address": "c@d.test"}, {"address": "a@b.test"}]}"#,
        "\n"
    );

    #[test]
    fn queue_listings_are_filtered_and_printed_in_the_order_of_keys() {
        for (line, output) in [
            (r#"jq -r 'select(.recipients[]|contains({"address": "a@b.test"}))|.queue_id'"#, "B32\nC44\n"),
            (r#"jq -r '.|select(any(.recipients[]; .address=="a@b.test"))|.queue_id'"#, "C44\n"),
            (
                r#"jq -c 'select(.sender=="")|{queue_name,queue_id}'"#,
                "{\"queue_name\":\"hold\",\"queue_id\":\"C44\"}\n",
            ),
            (
                r#"jq 'select(.queue_id=="B32")|del(.sender,.recipients[].delay_reason)'"#,
                "{\n  \"queue_name\": \"deferred\",\n  \"queue_id\": \"B32\",\n  \"arrival_time\": 1577622574,\n  \
                 \"forced_expire\": false,\n  \"recipients\": [\n    {\n      \"address\": \"xa@b.test\"\n    }\n  ]\n}\n",
            ),
            ("jq -s length", "2\n"),
            ("jq --arg q C44 -r 'select(.queue_id==$q).queue_name'", "hold\n"),
            ("jq -r '[.queue_id,.queue_name]|@tsv'", "B32\tdeferred\nC44\thold\n"),
            (r#"jq -r '[.sender,1,null,"a\"b"]|@csv'"#, "\"root@ubuntu\",1,,\"a\"\"b\"\n\"\",1,,\"a\"\"b\"\n"),
            ("jq -n '[inputs.queue_id]|length'", "2\n"),
            ("jq -c '[paths]|length'", "9\n8\n"),
            ("jq -j .queue_id", "B32C44"),
            ("jq -n '[1,2]|map(.+1)|add'", "5\n"),
            (
                r#"jq -r 'select(.recipients[]|contains({"address": "a@b.test"}))|.queue_id' | xargs -I ID echo postsuper -d ID"#,
                "postsuper -d B32\npostsuper -d C44\n",
            ),
        ] {
            let mut host = host();
            write(&mut host, "/tmp/q", QUEUE);
            let got = text(&run(&mut host, &format!("cat /tmp/q | {line}")));
            assert_eq!((got.0.as_str(), got.1.as_str()), (output, ""), "{line}");
        }
    }

    #[test]
    fn errors_have_the_words_and_statuses_of_jq() {
        for (line, error, status) in [
            ("echo 1 | jq .a", "jq: error (at <stdin>:1): Cannot index number with \"a\"\n", 5),
            ("echo 1 | jq '.[]'", "jq: error (at <stdin>:1): Cannot iterate over number (1)\n", 5),
            ("jq -n foo", "jq: error: foo/0 is not defined at <top-level>, line 1:\nfoo\njq: 1 compile error\n", 3),
            ("jq -n now", "jq: error: now/0 is not defined at <top-level>, line 1:\nnow\njq: 1 compile error\n", 3),
            ("echo '{\"a\":' | jq .", "parse error: Unfinished JSON term at EOF at line 2, column 0\n", 4),
            ("jq . /nope", "jq: error: Could not open /nope: No such file or directory\n", 2),
            ("jq -n '[repeat(1)]'", "jq: error (at <unknown>): program ran too long\n", 5),
            ("jq -n 'def f: f; f'", "jq: error: functions that call themselves are not available here\n", 3),
            ("jq -n 'range(1e12)' | tail -1", "jq: error (at <unknown>): program ran too long\n", 0),
            ("echo null | jq -e . >/dev/null", "", 1),
        ] {
            let got = text(&run(&mut host(), line));
            assert_eq!((got.1.as_str(), got.2), (error, status), "{line}");
        }
    }
}
