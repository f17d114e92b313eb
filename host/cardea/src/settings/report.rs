//! The flags of what is written back to the cluster.

use std::sync::Arc;

use cardea_control::report::{Address, ObjectName, Options, Publish, leader};
use clap::Args;

#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(next_help_heading = "Status")]
pub struct Flags {
    /// Publish the addresses of this Service in the status of Ingresses.
    #[arg(long, env = "CARDEA_PUBLISH_SERVICE", value_name = "NAMESPACE/NAME", requires = "kubernetes", value_parser = object_name)]
    #[arg(conflicts_with_all = ["publish_address", "publish_node_addresses"])]
    publish_service: Option<ObjectName>,
    /// Publish this address in the status of Ingresses; may be given more than once.
    #[arg(long, env = "CARDEA_PUBLISH_ADDRESS", value_name = "IP|HOST", requires = "kubernetes", value_parser = address)]
    #[arg(value_delimiter = ',', conflicts_with = "publish_node_addresses")]
    publish_address: Vec<Address>,
    /// Publish the addresses of the nodes on which pods labelled like this one run: external ones, else internal ones.
    #[arg(long, env = "CARDEA_PUBLISH_NODE_ADDRESSES", requires = "kubernetes", requires = "pod_name")]
    publish_node_addresses: bool,
    /// Name of the Lease by which replicas choose the one that writes; one for each installation in a namespace.
    #[arg(long, env = "CARDEA_LEASE_NAME", value_name = "NAME", default_value = "cardea")]
    lease_name: String,
    /// The pod that this process runs in.
    #[arg(long, env = "CARDEA_POD_NAME", value_name = "NAME")]
    pod_name: Option<String>,
    /// The namespace of that pod, and of the Lease; by default that of the service account or kubeconfig.
    #[arg(long, env = "CARDEA_POD_NAMESPACE", value_name = "NAME")]
    pod_namespace: Option<String>,
}

impl Flags {
    /// `namespace` is where we are unless the flags say it.
    pub fn options(&self, controller: &str, namespace: &str) -> Options {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let namespace: Arc<str> = given(&self.pod_namespace).unwrap_or_else(|| namespace.to_owned()).into();
        let name = given(&self.pod_name).or_else(host_name).unwrap_or_else(|| "cardea".into());
        Options {
            publish: self.publish(ObjectName::new(Arc::clone(&namespace), name.as_str())),
            identity: leader::Identity { name, lease: ObjectName::new(namespace, self.lease_name.as_str()) },
            election: leader::Settings::default(),
            controller: controller.to_owned(),
        }
    }

    fn publish(&self, pod: ObjectName) -> Publish {
        match &self.publish_service {
            Some(service) => Publish::Service(service.clone()),
            None if self.publish_node_addresses => Publish::Nodes(pod),
            None if self.publish_address.is_empty() => Publish::Nothing,
            None => Publish::Addresses(self.publish_address.clone()),
        }
    }
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn object_name(text: &str) -> Result<ObjectName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(ObjectName::new(namespace, name))
        }
        _ => Err("write a namespace, a slash and a name".into()),
    }
}

/// What the API server takes in a status: an IP address, or a DNS name in lower case.
fn address(text: &str) -> Result<Address, String> {
    if let Ok(ip) = text.parse() {
        return Ok(Address::Ip(ip));
    }
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    // A last label of digits would be read as an address that is none.
    let is_number = |text: &str| text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if text.len() <= 253 && text.split('.').all(is_label) && !is_number(text) {
        return Ok(Address::Hostname(text.into()));
    }
    Err("write an IP address, or a DNS name in lower case".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Address, address, object_name};

    #[test]
    fn an_address_is_what_a_status_may_hold() {
        assert_eq!(address("192.0.2.1"), Ok(Address::Ip("192.0.2.1".parse().unwrap())));
        assert_eq!(address("2001:db8::1"), Ok(Address::Ip("2001:db8::1".parse().unwrap())));
        assert_eq!(address("lb-1.example.com"), Ok(Address::Hostname("lb-1.example.com".into())));
        for wrong in ["", "LB.example.com", "1.2.3.4.5", "a..b", "-a.b", "a_b", "[::1]", "a.b:80", "10.0.0.256"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_object_has_a_namespace_and_a_name() {
        assert_eq!(object_name("edge/cardea").unwrap().to_string(), "edge/cardea");
        for wrong in ["", "cardea", "/cardea", "edge/", "a/b/c"] {
            assert!(object_name(wrong).is_err(), "{wrong}");
        }
    }
}
