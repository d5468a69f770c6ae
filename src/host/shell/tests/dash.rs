//! Recorded answers of dash 0.5.12: script, standard output, standard error, status.

/// The table.
pub const DASH: &[(&str, &str, &str, u8)] = &[
    (
        r####"echo hello world"####,
        r####"hello world
"####,
        r####""####,
        0,
    ),
    (
        r####"echo 'a b' "c  d" e\ f"####,
        r####"a b c  d e f
"####,
        r####""####,
        0,
    ),
    (
        r####"x=5; echo $x ${x} "${x}y" ${y:-def} ${x:+alt} ${#x}"####,
        r####"5 5 5y def alt 1
"####,
        r####""####,
        0,
    ),
    (
        r####"x=a.tar.gz; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.}"####,
        r####"a.tar a tar.gz gz
"####,
        r####""####,
        0,
    ),
    (
        r####"for i in 1 2 3; do echo -n $i; done; echo"####,
        r####"123
"####,
        r####""####,
        0,
    ),
    (
        r####"i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done"####,
        r####"0
1
2
"####,
        r####""####,
        0,
    ),
    (
        r####"until false; do echo once; break; done"####,
        r####"once
"####,
        r####""####,
        0,
    ),
    (
        r####"if false; then echo a; elif true; then echo b; else echo c; fi"####,
        r####"b
"####,
        r####""####,
        0,
    ),
    (
        r####"case abc in a*) echo starts;; *) echo no;; esac"####,
        r####"starts
"####,
        r####""####,
        0,
    ),
    (
        r####"case x in a|b) echo ab;; esac; echo $?"####,
        r####"0
"####,
        r####""####,
        0,
    ),
    (
        r####"f() { echo "f $1 $#"; return 3; }; f a b; echo $?"####,
        r####"f a 2
3
"####,
        r####""####,
        0,
    ),
    (
        r####"false; echo $?; true && echo yes || echo no"####,
        r####"1
yes
"####,
        r####""####,
        0,
    ),
    (
        r####"false || echo or; ! true; echo $?"####,
        r####"or
1
"####,
        r####""####,
        0,
    ),
    (
        r####"(exit 4); echo $?; (x=1; echo in $x); echo "out $x""####,
        r####"4
in 1
out 
"####,
        r####""####,
        0,
    ),
    (
        r####"echo $(echo a; echo b) "$(echo a; echo b)""####,
        r####"a b a
b
"####,
        r####""####,
        0,
    ),
    (
        r####"echo `echo back` $((1+2*3)) $((x=4)) $x"####,
        r####"back 7 4 4
"####,
        r####""####,
        0,
    ),
    (
        r####"set -- a "b c" d; echo $# "$@"; for i in "$@"; do echo "<$i>"; done; shift; echo $1"####,
        r####"3 a b c d
<a>
<b c>
<d>
b c
"####,
        r####""####,
        0,
    ),
    (
        r####"echo "$*"; set -- 1 2; IFS=,; echo "$*""####,
        r####"
1,2
"####,
        r####""####,
        0,
    ),
    (
        r####"IFS=:; x=a:b::c; set -- $x; echo $# $3 $4"####,
        r####"4 c
"####,
        r####""####,
        0,
    ),
    (
        r####"printf '%s-%s\n' a b c"####,
        r####"a-b
c-
"####,
        r####""####,
        0,
    ),
    (
        r####"printf '%03d|%5s|%-5s|\n' 7 ab cd"####,
        r####"007|   ab|cd   |
"####,
        r####""####,
        0,
    ),
    (
        r####"echo "a\tb"; echo -n x; echo"####,
        r####"a	b
x
"####,
        r####""####,
        0,
    ),
    (
        r####"foo; echo $?"####,
        r####"127
"####,
        r####"sh: 1: foo: not found
"####,
        0,
    ),
    (
        r####"./nothing; echo $?"####,
        r####"127
"####,
        r####"sh: 1: ./nothing: not found
"####,
        0,
    ),
    (
        r####"cd /nope; echo $?"####,
        r####"2
"####,
        r####"sh: 1: cd: can't cd to /nope
"####,
        0,
    ),
    (r####"set -e; false; echo notreached"####, r####""####, r####""####, 1),
    (
        r####"set -e; if false; then :; fi; false || true; echo reached"####,
        r####"reached
"####,
        r####""####,
        0,
    ),
    (
        r####"set -e; f() { false; echo in; }; f || echo no; f; echo end"####,
        r####"in
"####,
        r####""####,
        1,
    ),
    (
        r####"set -u; echo $undefined; echo no"####,
        r####""####,
        r####"sh: 1: undefined: parameter not set
"####,
        2,
    ),
    (
        r####"echo ${x?unset here}; echo no"####,
        r####""####,
        r####"sh: 1: x: unset here
"####,
        2,
    ),
    (
        r####"cat <<A
x $((1+1)) `echo b` "q"
A"####,
        r####"x 2 b "q"
"####,
        r####""####,
        0,
    ),
    (
        r####"cat <<'A'
x $y
A"####,
        r####"x $y
"####,
        r####""####,
        0,
    ),
    (
        r####"cat <<-A
	tabbed
	A"####,
        r####"tabbed
"####,
        r####""####,
        0,
    ),
    (
        r####"if"####,
        r####""####,
        r####"sh: 1: Syntax error: end of file unexpected (expecting "then")
"####,
        2,
    ),
    (
        r####"echo "abc"####,
        r####""####,
        r####"sh: 1: Syntax error: Unterminated quoted string
"####,
        2,
    ),
    (
        r####")"####,
        r####""####,
        r####"sh: 1: Syntax error: ")" unexpected
"####,
        2,
    ),
    (
        r####"echo a b | cat"####,
        r####"a b
"####,
        r####""####,
        0,
    ),
    (
        r####"echo hi | { read a b; echo "got $a"; }"####,
        r####"got hi
"####,
        r####""####,
        0,
    ),
    (
        r####"printf 'a b\nc d\n' | while read x y; do echo "$y-$x"; done"####,
        r####"b-a
d-c
"####,
        r####""####,
        0,
    ),
    (
        r####"read x < /dev/null; echo $?"####,
        r####"1
"####,
        r####""####,
        0,
    ),
    (r####"exit 7"####, r####""####, r####""####, 7),
    (
        r####"exit abc"####,
        r####""####,
        r####"sh: 1: exit: Illegal number: abc
"####,
        2,
    ),
    (r####"return 5; echo no"####, r####""####, r####""####, 5),
    (
        r####"echo a > /tmp/shx; cat /tmp/shx; echo b >> /tmp/shx; cat < /tmp/shx; rm -f /tmp/shx"####,
        r####"a
a
b
"####,
        r####""####,
        0,
    ),
    (
        r####"echo err >&2; echo out"####,
        r####"out
"####,
        r####"err
"####,
        0,
    ),
    (
        r####"{ echo a; echo b >&2; } 2>&1"####,
        r####"a
b
"####,
        r####""####,
        0,
    ),
    (
        r####"x=$(false); echo $?; x=$(exit 3) ; echo $?"####,
        r####"1
3
"####,
        r####""####,
        0,
    ),
    (
        r####"eval 'echo $((2+2))'; eval "exit 9""####,
        r####"4
"####,
        r####""####,
        9,
    ),
    (
        r####"trap 'echo bye' EXIT; echo hi"####,
        r####"hi
bye
"####,
        r####""####,
        0,
    ),
    (
        r####"test 1 -eq 1; echo $?; [ a = b ]; echo $?; [ -z "" ] && echo empty; [ -d /tmp ] && echo dir"####,
        r####"0
1
empty
dir
"####,
        r####""####,
        0,
    ),
    (
        r####"[ 1 -eq a ]; echo $?"####,
        r####"2
"####,
        r####"sh: 1: [: Illegal number: a
"####,
        0,
    ),
    (
        r####"[ 1"####,
        r####""####,
        r####"sh: 1: [: missing ]
"####,
        2,
    ),
    (
        r####"test a -a b; echo $?; [ ! a ]; echo $?; [ "(" ]; echo $?"####,
        r####"0
1
0
"####,
        r####""####,
        0,
    ),
    (
        r####"x='a  b'; echo $x; echo "$x""####,
        r####"a b
a  b
"####,
        r####""####,
        0,
    ),
    (
        r####"for i in a b c; do [ $i = b ] && continue; echo $i; done"####,
        r####"a
c
"####,
        r####""####,
        0,
    ),
    (
        r####"for i in 1 2; do for j in 1 2; do [ $j = 2 ] && break 2; echo $i$j; done; done"####,
        r####"11
"####,
        r####""####,
        0,
    ),
    (
        r####"while true; do echo x; break; done; echo $?"####,
        r####"x
0
"####,
        r####""####,
        0,
    ),
    (
        r####"a=1 b=2; echo $a$b; a=3 sh -c 'echo $a'; echo $a"####,
        r####"12
3
1
"####,
        r####""####,
        0,
    ),
    (
        r####"unset a; echo "[${a-none}]"; a=; echo "[${a-none}][${a:-none}]""####,
        r####"[none]
[][none]
"####,
        r####""####,
        0,
    ),
    (
        r####": ${z:=assigned}; echo $z"####,
        r####"assigned
"####,
        r####""####,
        0,
    ),
    (
        r####"readonly r=1; r=2; echo no"####,
        r####""####,
        r####"sh: 1: r: is read only
"####,
        2,
    ),
    (
        r####"shift 5; echo no"####,
        r####""####,
        r####"sh: 1: shift: can't shift that many
"####,
        2,
    ),
    (
        r####"echo $((1/0)); echo no"####,
        r####""####,
        r####"sh: 1: arithmetic expression: division by zero: "1/0"
"####,
        2,
    ),
    (
        r####"echo hi > /nope/x; echo $?"####,
        r####"2
"####,
        r####"sh: 1: cannot create /nope/x: Directory nonexistent
"####,
        0,
    ),
    (
        r####"cat < /nope; echo $?"####,
        r####"2
"####,
        r####"sh: 1: cannot open /nope: No such file
"####,
        0,
    ),
    (
        r####". /nope; echo no"####,
        r####""####,
        r####"sh: 1: .: cannot open /nope: No such file
"####,
        2,
    ),
    (
        r####"type echo; type nosuch"####,
        r####"echo is a shell builtin
nosuch: not found
"####,
        r####""####,
        127,
    ),
    (
        r####"exec echo replaced; echo no"####,
        r####"replaced
"####,
        r####""####,
        0,
    ),
    (
        r####"set -x; echo traced"####,
        r####"traced
"####,
        r####"+ echo traced
"####,
        0,
    ),
    (
        r####"sh -c 'echo $0 $1' name arg"####,
        r####"name arg
"####,
        r####""####,
        0,
    ),
    (
        r####"echo 'echo from stdin; echo two' | sh"####,
        r####"from stdin
two
"####,
        r####""####,
        0,
    ),
    (
        r####"getopts ab: o -a -b x; echo $o"####,
        r####"a
"####,
        r####""####,
        0,
    ),
    (
        r####"yes | head -2"####,
        r####"y
y
"####,
        r####""####,
        0,
    ),
    (
        r####"echo a; { sleep 0; echo c; } & wait; echo d"####,
        r####"a
c
d
"####,
        r####""####,
        0,
    ),
    (
        r####"export Q=1; sh -c 'echo $Q'; env -i /bin/sh -c 'echo [$Q]'"####,
        r####"1
[]
"####,
        r####""####,
        0,
    ),
    (
        r####"alias ll='echo aliased'
ll x"####,
        r####"aliased x
"####,
        r####""####,
        0,
    ),
    (
        r####"f() { local v=1; echo $v; }; v=0; f; echo $v"####,
        r####"1
0
"####,
        r####""####,
        0,
    ),
    (
        r####"umask; umask 077; umask"####,
        r####"0022
0077
"####,
        r####""####,
        0,
    ),
    (
        r####"echo a#b #comment"####,
        r####"a#b
"####,
        r####""####,
        0,
    ),
    (
        r####"echo \
 continued"####,
        r####"continued
"####,
        r####""####,
        0,
    ),
    (
        r####"x="a b"; case $x in "a b") echo m;; esac"####,
        r####"m
"####,
        r####""####,
        0,
    ),
    (
        r####"echo "${x:-"q w"}" ${nope:-a b} "${nope:-a  b}""####,
        r####"q w a b a  b
"####,
        r####""####,
        0,
    ),
    (
        r####"echo $0"####,
        r####"sh
"####,
        r####""####,
        0,
    ),
    (
        r####"echo a;; echo b"####,
        r####""####,
        r####"sh: 1: Syntax error: ";;" unexpected
"####,
        2,
    ),
    (
        r####"for 1 in a; do :; done"####,
        r####""####,
        r####"sh: 1: Syntax error: Bad for loop variable
"####,
        2,
    ),
    (
        r####"echo {1..3} {a,b}"####,
        r####"{1..3} {a,b}
"####,
        r####""####,
        0,
    ),
    (
        r####"[[ a = a ]]"####,
        r####""####,
        r####"sh: 1: [[: not found
"####,
        127,
    ),
    (
        r####"echo "$(cat <<E
in heredoc
E
)""####,
        r####"in heredoc
"####,
        r####""####,
        0,
    ),
    (
        r####"x=1; { x=2; }; echo $x; echo 1 | x=3; echo $x"####,
        r####"2
2
"####,
        r####""####,
        0,
    ),
    (
        r####"set -- "a b" c; echo "${1% *}" "${#1}" "${@}" $#"####,
        r####"a 3 a b c 2
"####,
        r####""####,
        0,
    ),
    (
        r####"echo ${10} "$10""####,
        r####"0
"####,
        r####""####,
        0,
    ),
    (
        r####"set -f; echo *; set +f"####,
        r####"*
"####,
        r####""####,
        0,
    ),
    (
        r####"true | false; echo $?; false | true; echo $?"####,
        r####"1
0
"####,
        r####""####,
        0,
    ),
    (
        r####"! false; echo $?"####,
        r####"0
"####,
        r####""####,
        0,
    ),
    (
        r####"kill -0 $$; echo $?"####,
        r####"0
"####,
        r####""####,
        0,
    ),
    (
        r####"echo "a'b" 'a"b' a\'b"####,
        r####"a'b a"b a'b
"####,
        r####""####,
        0,
    ),
    (
        r####"printf "%s\n" "$(printf 'a\n\n\n')" x"####,
        r####"a
x
"####,
        r####""####,
        0,
    ),
    (
        r####"if [ -f /etc/passwd ] && ! [ -f /nope ]; then echo ok; fi"####,
        r####"ok
"####,
        r####""####,
        0,
    ),
    (
        r####"x=abc; echo ${x#a}${x%c} ${x#"a"} ; y='*'; echo "${x#$y}" "####,
        r####"bcab bc
abc
"####,
        r####""####,
        0,
    ),
    (
        r####"echo $(( 010 )) $(( 0x1f )) $(( 5 > 3 )) $(( -7 / 2 )) $((7%3)) $((1<<4)) $((~0))"####,
        r####"8 31 1 -3 1 16 -1
"####,
        r####""####,
        0,
    ),
    (
        r####"i=5; echo $((i+=2)) $i $((i==7 ? 1 : 2))"####,
        r####"7 7 1
"####,
        r####""####,
        0,
    ),
    (
        r####"cat /nope; echo $?"####,
        r####"1
"####,
        r####"cat: /nope: No such file or directory
"####,
        0,
    ),
    (
        r####"for i in 1 2 3; do echo $i; done | while read n; do echo "n=$n"; done | tail -1"####,
        r####"n=3
"####,
        r####""####,
        0,
    ),
    (
        r####"n=0; while read l; do n=$((n+1)); done <<X
a
b
X
echo $n"####,
        r####"2
"####,
        r####""####,
        0,
    ),
    (
        r####"exec 3>/tmp/fd3; echo to3 >&3; exec 3>&-; cat /tmp/fd3; rm /tmp/fd3"####,
        r####"to3
"####,
        r####""####,
        0,
    ),
];
