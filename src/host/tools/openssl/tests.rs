//! Command lines with what OpenSSL 3.0 prints for them.

use crate::host::shell::harness::{host, run, text};

#[test]
fn filters_print_what_openssl_prints() {
    for (line, output) in [
        (
            "openssl passwd -6 -salt abc pw",
            "$6$abc$MtSdWSZbhct2oe.SOqOUM2M/GA/uj5.vyVtJgRHgKi9uqXuWuJqOYE7H/YlsYGVg/YYzDV0xt3fEIwYt580.5.\n",
        ),
        ("openssl passwd -1 -salt abc pw", "$1$abc$Kb85XxsXB.VXinPhbS4431\n"),
        ("openssl passwd -5 -salt abc pw", "$5$abc$/LKlXd6vuvdFX3oWbf2vGk3DgflzzsvOtMZsiOxqqY5\n"),
        ("echo hi | openssl base64", "aGkK\n"),
        ("echo aGkK | openssl base64 -d", "hi\n"),
        ("echo aGkK | openssl enc -base64 -d", "hi\n"),
        (
            "printf '%100s' x | openssl base64",
            "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\nICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\nICAgeA==\n",
        ),
        (
            "echo | openssl dgst -sha256",
            "SHA2-256(stdin)= 01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b\n",
        ),
        ("openssl rand -hex 4 | wc -c", "9\n"),
    ] {
        assert_eq!(text(&run(&mut host(), line)), (output.to_owned(), String::new(), 0), "{line}");
    }
}

#[test]
fn mistakes_are_worded_as_by_openssl() {
    for (line, error) in [
        ("openssl foo", "Invalid command 'foo'; type \"help\" for a list.\n"),
        ("openssl s_client -foo", "s_client: Unknown option: -foo\ns_client: Use -help for summary.\n"),
        ("openssl x509 -noout </etc/hostname", "Could not read certificate from <stdin>\nUnable to load certificate\n"),
        (
            "openssl x509 -noout -in /etc/hostname",
            "Could not read certificate from /etc/hostname\nUnable to load certificate\n",
        ),
    ] {
        let (output, errors, status) = text(&run(&mut host(), line));
        assert_eq!((output.as_str(), errors.as_str(), status), ("", error, 1), "{line}");
    }
}

#[test]
fn a_certificate_that_is_made_is_read_and_not_trusted() {
    let mut host = host();
    let line = "openssl req -new -x509 -nodes -days 5 -newkey rsa:2048 -keyout k.pem -out c.pem -subj /O=Example/CN=mail.example.org";
    assert_eq!(text(&run(&mut host, line)).2, 0);
    for (line, output, status) in [
        (
            "openssl x509 -in c.pem -noout -subject -issuer",
            "subject=O = Example, CN = mail.example.org\nissuer=O = Example, CN = mail.example.org\n",
            0,
        ),
        (
            "openssl x509 -in c.pem -noout -dates",
            "notBefore=Nov 21 12:00:00 2026 GMT\nnotAfter=Nov 26 12:00:00 2026 GMT\n",
            0,
        ),
        ("openssl x509 -in c.pem -noout -checkend 864000", "Certificate will expire\n", 1),
        (
            "openssl x509 -in c.pem -noout -text | grep -c -e 'Public-Key: (2048 bit)' -e 'CA:TRUE' -e 'Exponent: 65537 (0x10001)'",
            "3\n",
            0,
        ),
        ("openssl verify -CAfile c.pem c.pem", "c.pem: OK\n", 0),
        ("stat -c %a k.pem; head -1 k.pem", "600\n-----BEGIN PRIVATE KEY-----\n", 0),
    ] {
        assert_eq!(text(&run(&mut host, line)), (output.to_owned(), String::new(), status), "{line}");
    }
    let (_, errors, status) = text(&run(&mut host, "openssl verify c.pem"));
    assert!(errors.contains("error 18 at 0 depth lookup: self-signed certificate\n") && status == 2, "{errors}");
}

#[test]
fn the_subject_is_asked_for_when_it_is_not_given() {
    let mut host = host();
    let line = "printf 'DE\\nBerlin\\nB\\nX\\n\\nmail.x\\na@b\\n' | openssl req -new -x509 -nodes -newkey ec -keyout k -out c; \
                openssl x509 -in c -noout -subject";
    let (output, errors, _) = text(&run(&mut host, line));
    assert_eq!(output, "subject=C = DE, ST = Berlin, L = B, O = X, CN = mail.x, emailAddress = a@b\n");
    assert!(errors.ends_with("Common Name (e.g. server FQDN or YOUR name) []:Email Address []:"), "{errors}");
}
