//! Finding the ports of a Service.

use crate::config::{Service, ServicePort, ServicePortRef};

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
