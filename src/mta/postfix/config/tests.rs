use std::time::Duration;

use super::*;

fn config(main: &str) -> Config {
    let mut notes = Vec::new();
    let main = MainCf::parse("/etc/postfix/main.cf", main, &mut notes).unwrap();
    let master = "relay unix - - y - - smtp -o syslog_name=postfix/$service_name -o mydestination=\n";
    let master = MasterCf::parse("/etc/postfix/master.cf", master, &mut notes).unwrap();
    let interfaces = vec![facts::Interface { addr: [192, 0, 2, 10].into(), prefix: 24 }];
    Config {
        main,
        master,
        directory: DIRECTORY.into(),
        facts: Facts { hostname: "mx1".into(), interfaces, origin: None },
    }
}

#[test]
fn overrides_win_over_main_cf_and_defaults() {
    let config = config("mydestination = $myhostname, localhost\nmyhostname = mx1.example.com\n");
    let relay = config.service(&config.master.entries[0]);
    assert_eq!(config.global().list("mydestination"), ["mx1.example.com", "localhost"]);
    assert_eq!(config.global().get("mydomain"), "example.com");
    assert_eq!(relay.get("mydestination"), "");
    assert_eq!(relay.get("syslog_name"), "postfix/relay");
    assert_eq!(relay.source("mydestination").unwrap().to_string(), "/etc/postfix/master.cf:1");
    assert_eq!(config.global().source("myhostname").unwrap().line, 2);
}

#[test]
fn computes_defaults_of_the_host() {
    let config = config("compatibility_level = 3.6\n");
    let params = config.global();
    assert_eq!(params.get("myhostname"), "mx1.localdomain");
    assert_eq!(params.get("mydomain"), "localdomain");
    assert_eq!(params.get("mynetworks"), "192.0.2.10/32");
    assert_eq!(params.get("slow_destination_concurrency_limit"), "20");
}

#[test]
fn mydomain_is_empty_while_myhostname_depends_on_it() {
    let config = config("myhostname = mail.$mydomain\n");
    assert_eq!(config.global().get("myhostname"), "mail.");
    assert_eq!(config.global().get("mydomain"), "");
    let mut notes = Vec::new();
    let error = config.check(&mut notes).unwrap_err();
    assert_eq!(error.0, "file /etc/postfix/main.cf: parameter myhostname: bad parameter value: mail.");
    assert_eq!(notes, ["warning: valid_hostname: misplaced delimiter: mail."]);
}

#[test]
fn converts_values_with_postfix_errors() {
    let config = config(
        "biff = maybe\nqueue_run_delay = 5\nmaximal_queue_lifetime = 2\nmessage_size_limit = x\nbounce_queue_lifetime = 5y\n",
    );
    let params = config.global();
    assert_eq!(params.bool("biff").unwrap_err().0, "bad boolean configuration: biff = maybe");
    assert_eq!(params.int("message_size_limit").unwrap_err().0, "bad numerical configuration: message_size_limit = x");
    assert_eq!(params.time("queue_run_delay"), Ok(Duration::from_secs(5)));
    assert_eq!(params.time("maximal_queue_lifetime"), Ok(Duration::from_secs(2 * 86_400)));
    assert_eq!(params.time("smtpd_timeout"), Ok(Duration::from_secs(300)));
    assert!(params.time("bounce_queue_lifetime").is_err());
    for (text, secs) in [("5min", Some(300)), ("soon", Some(0)), ("5S", None), ("5 s", None), ("-1s", None)] {
        assert_eq!(params::parse_time(text, 's'), secs.map(Duration::from_secs), "{text}");
    }
}
