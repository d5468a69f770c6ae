//! Arrays, with what bash 5.2 prints.

use crate::host::shell::harness::{host, run, text, write};

/// A script, and what bash wrote.
const CASES: &[(&str, &str)] = &[
    ("a=(one two \"three four\")\necho \"${a[1]} ${#a[@]} ${#a[1]}\"", "two 3 3\n"),
    ("a=(1 \"2 3\"); for x in \"${a[@]}\"; do echo \"<$x>\"; done", "<1>\n<2 3>\n"),
    ("a=(1 \"2 3\"); for x in ${a[@]}; do echo \"<$x>\"; done; echo \"${a[*]}\"", "<1>\n<2>\n<3>\n1 2 3\n"),
    (
        "a=(1 2); a+=(5); a[7]=8; echo \"${!a[@]} ${a[-1]} $a\"; unset 'a[1]'; echo ${#a[@]} ${a[@]}",
        "0 1 2 7 8 1\n3 1 5 8\n",
    ),
    (
        "declare -A port=([smtp]=25 [imap]=143)\nport[pop3]=110\nfor k in smtp imap pop3; do echo $k ${port[$k]}; done",
        "smtp 25\nimap 143\npop3 110\n",
    ),
    ("i=2; a=(a b c); a[i+1]=x; echo ${a[$i+1]} ${a[i]}", "x c\n"),
    ("read -ra w <<< 'alpha beta  gamma'; echo ${w[2]} ${#w[@]}", "gamma 3\n"),
    ("mapfile -t l < <(printf 'l1\\nl2 x\\n'); echo \"${l[1]} ${#l[@]}\"", "l2 x 2\n"),
    ("f() { local b=(1 2 3); echo ${b[@]:1:2}; b[0]=9; echo $((${b[0]}+1)); }; f; echo b=${b[@]}", "2 3\n10\nb=\n"),
    ("set -- p q r s; echo \"${@:2:2}\" \"${@: -1}\"", "q r s\n"),
    (
        "a=(one 'a b'); declare -A m=([k]=v); declare -p a m",
        "declare -a a=([0]=\"one\" [1]=\"a b\")\ndeclare -A m=([k]=\"v\" )\n",
    ),
    ("e=(); echo \"${#e[@]} [${e[@]}] [${e[0]-unset}]\"", "0 [] [unset]\n"),
    ("a=(x y); n=(${a[@]/#/m_}); echo ${n[@]} ${a[@]^^}", "m_x m_y X Y\n"),
    ("x=(\n  first   # a comment\n  second\n)\necho ${x[1]}", "second\n"),
    ("readonly r=(1 2); echo ${r[1]}", "2\n"),
];

#[test]
fn arrays_are_those_of_bash() {
    for (script, output) in CASES {
        let mut host = host();
        write(&mut host, "/tmp/script", script);
        let got = text(&run(&mut host, "bash /tmp/script"));
        assert_eq!((got.0.as_str(), got.1.as_str()), (*output, ""), "{script}");
    }
}

#[test]
fn sh_knows_no_arrays() {
    let (_, error, status) = text(&run(&mut host(), "sh -c 'a=(1 2)'"));
    assert!(error.contains("unexpected") && status == 2, "{error}");
}
