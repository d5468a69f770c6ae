//! The texts of notifications (bounce(5)).

use std::time::Duration;

/// Which notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Mail could not be delivered.
    Failure,
    /// Mail is delayed.
    Delay,
    /// Mail was delivered (`NOTIFY=SUCCESS`).
    Success,
    /// The report of `sendmail -v` and `-bv`.
    Verify,
}

/// What the texts mention.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// `myhostname`.
    pub myhostname: &'a str,
    /// `delay_warning_time`.
    pub delay_warning_time: Duration,
    /// `maximal_queue_lifetime`.
    pub maximal_queue_lifetime: Duration,
}

impl Template {
    /// `Subject:` of what the sender gets.
    pub fn subject(self) -> &'static str {
        match self {
            Template::Failure => "Undelivered Mail Returned to Sender",
            Template::Delay => "Delayed Mail (still being retried)",
            Template::Success => "Successful Mail Delivery Report",
            Template::Verify => "Mail Delivery Status Report",
        }
    }

    /// `Subject:` of the postmaster's copy.
    pub fn postmaster_subject(self) -> &'static str {
        match self {
            Template::Failure => "Postmaster Copy: Undelivered Mail",
            Template::Delay => "Postmaster Warning: Delayed Mail",
            Template::Success | Template::Verify => self.subject(),
        }
    }

    /// `Content-Description:` of the original message.
    pub fn original(self) -> &'static str {
        match self {
            Template::Failure | Template::Delay => "Undelivered Message",
            Template::Success | Template::Verify => "Message",
        }
    }

    /// The lines before the list of recipients.
    pub fn text(self, facts: &Facts<'_>) -> String {
        let help = "For further assistance, please send mail to postmaster.\n\n\
                    If you do so, please include this problem report. You can\n\
                    delete your own text from the attached returned message.\n";
        let body = match self {
            Template::Failure => format!(
                "I'm sorry to have to inform you that your message could not\n\
                 be delivered to one or more recipients. It's attached below.\n\n{help}"
            ),
            Template::Delay => format!(
                "####################################################################\n\
                 # THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n\
                 ####################################################################\n\n\
                 Your message could not be delivered for more than {} hour(s).\n\
                 It will be retried until it is {} day(s) old.\n\n{help}",
                facts.delay_warning_time.as_secs() / 3600,
                facts.maximal_queue_lifetime.as_secs() / 86400,
            ),
            Template::Success => "Your message was successfully delivered to the destination(s)\n\
                                  listed below. If the message was delivered to mailbox you will\n\
                                  receive no further notifications. Otherwise you may still receive\n\
                                  notifications of mail delivery errors from other systems.\n"
                .to_owned(),
            Template::Verify => "Enclosed is the mail delivery report that you requested.\n".to_owned(),
        };
        let host = facts.myhostname;
        format!("This is the mail system at host {host}.\n\n{body}\n                   The mail system\n")
    }

    /// What bounce(8) complains about before it uses the text.
    pub fn warnings(self, facts: &Facts<'_>) -> Vec<String> {
        let zero = |unit: &str, parameter: &str| {
            vec![
                format!("[built-in]: zero result in delay template conversion of parameter \"{parameter}_{unit}\""),
                format!("please reduce time unit \"{unit}\" of \"{parameter}_{unit}\" in delay template"),
                "for instructions see the bounce(5) manual".to_owned(),
            ]
        };
        let mut warnings = Vec::new();
        if self == Template::Delay {
            if facts.delay_warning_time.as_secs() < 3600 {
                warnings.extend(zero("hours", "delay_warning_time"));
            }
            if facts.maximal_queue_lifetime.as_secs() < 86400 {
                warnings.extend(zero("days", "maximal_queue_lifetime"));
            }
        }
        warnings
    }
}
