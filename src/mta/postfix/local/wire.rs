//! Where local(8) meets the rest of Postfix: configuration, tables, routing, cleanup(8).

use smol_str::{SmolStr, format_smolstr};

use super::forward::Forward;
use super::lookups::{Alias, Lookups, Route, Table, Unavailable};
use super::settings::Settings;
use crate::host::{Ctx, Host};
use crate::mta::postfix::delivery::Request;
use crate::mta::postfix::mbox_open::Failure;
use crate::mta::postfix::services::Services;

/// Configuration and tables of local(8).
#[derive(Clone, Debug, Default)]
pub struct LocalConf {
    /// Plain parameters.
    pub settings: Settings,
}

impl LocalConf {
    pub(super) fn view<'a>(&'a self, _services: &'a Services, host: &'a Host, transport: &'a str) -> View<'a> {
        View { conf: self, host, transport }
    }
}

/// The tables, as they are now.
pub(super) struct View<'a> {
    conf: &'a LocalConf,
    host: &'a Host,
    transport: &'a str,
}

impl Lookups for View<'_> {
    fn alias(&self, _name: &str) -> Result<Option<Alias>, Unavailable> {
        let _ = (self.conf, self.host, self.transport);
        Ok(None)
    }

    fn find(&self, _table: Table, _user: &str) -> Result<Option<SmolStr>, Unavailable> {
        Ok(None)
    }

    fn route(&self, _sender: &str, address: &str) -> Route {
        Route::Here(address.into())
    }

    fn canonical(&self, address: &str) -> SmolStr {
        format_smolstr!("{address}@{}", self.conf.settings.myhostname)
    }
}

/// Submits mail that is sent on; returns its queue id.
pub(super) fn resubmit(
    _forward: &Forward,
    _request: &Request,
    _settings: &Settings,
    _services: &mut Services,
    _ctx: &mut Ctx<'_>,
) -> Result<SmolStr, Failure> {
    Err(Failure::new("4.3.0", "unable to forward message"))
}
