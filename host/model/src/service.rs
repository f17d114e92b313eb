//! Finding Services and their ports.

use std::collections::HashMap;

use crate::config::{Config, Service, ServicePort, ServicePortRef};

/// Every Service by namespace and name.
#[derive(Debug)]
pub struct Services<'a> {
    by_name: HashMap<(&'a str, &'a str), &'a Service>,
}

impl<'a> Services<'a> {
    pub fn of(config: &'a Config) -> Self {
        let by_name = config.services.iter().map(|service| {
            let origin = &service.origin;
            ((&*origin.namespace, &*origin.name), &**service)
        });
        Self { by_name: by_name.collect() }
    }

    pub fn get(&self, namespace: &str, name: &str) -> Option<&'a Service> {
        self.by_name.get(&(namespace, name)).copied()
    }
}

impl Service {
    /// By name or number of the Service's port (never of the target's). Two ports may share a number with different
    /// protocols; TCP is preferred, since that is what a route needs.
    pub fn port(&self, wanted: &ServicePortRef) -> Option<&ServicePort> {
        let is_wanted = |port: &&ServicePort| match wanted {
            ServicePortRef::Name(name) => port.name() == Some(&**name),
            ServicePortRef::Number(number) => port.port == *number,
        };
        let mut ports = self.ports.iter().filter(is_wanted);
        let first = ports.next()?;
        Some(if first.is_tcp() { first } else { ports.find(|port| port.is_tcp()).unwrap_or(first) })
    }
}

impl ServicePort {
    /// An empty name is no name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    pub fn is_tcp(&self) -> bool {
        &*self.protocol == "TCP"
    }
}
