//! A file played on a cluster: its objects go to the API server, its backends are pods, and its steps may change pods,
//! the API server, and what the ingress hears of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::given::{self, Given};
use super::{Scenario, Step};
use crate::backend::{Backend, Protocol, Stage};
use crate::pattern;
use crate::plane::fault::FaultProxy;
use crate::plane::room::POD_PORT;
use crate::plane::{Plane, Room};

/// What a step does to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaneAction {
    Pause,
    Resume,
    Kill,
    Restart,
}

/// An object as it should become.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectObject {
    pub kind: String,
    pub name: String,
    /// By default the test's.
    #[serde(default)]
    pub namespace: Option<String>,
    /// A pattern; `null` when it should be gone.
    pub is: Value,
}

/// Where in a cluster a file is played.
pub struct Site {
    pub plane: Arc<Plane>,
    pub room: Room,
    pub proxy: Option<FaultProxy>,
    pub kubeconfig: PathBuf,
}

impl Site {
    /// Makes the namespace and what belongs to it; with a proxy in front of the API server where the file needs one.
    ///
    /// # Errors
    /// When the API server refuses something.
    pub async fn new(plane: &Arc<Plane>, scenario: &Scenario, stage: &Stage) -> Result<Self> {
        let room = plane.room().await?;
        let proxy = match scenario.needs_proxy() {
            true => Some(FaultProxy::start(&plane.server, &stage.pulse).await?),
            false => None,
        };
        let server = proxy.as_ref().map(FaultProxy::server);
        let kubeconfig =
            room.install_as(scenario.install.as_deref().unwrap_or("install"), plane, server.as_deref()).await?;
        if let (Some(proxy), Some(faults)) = (&proxy, &scenario.faults) {
            proxy.set(faults.clone());
        }
        Ok(Self { plane: Arc::clone(plane), room, proxy, kubeconfig })
    }

    /// Starts the backends as pods, and applies what the file declares.
    ///
    /// # Errors
    /// When the API server refuses something, or an address of the pod range is not local.
    pub async fn set_up(&self, scenario: &Scenario, stage: &Stage) -> Result<Given> {
        let mut given = Given::empty(self.variables());
        for (name, spec) in &scenario.backends {
            let address = self.plane.address();
            let backend = Backend::start_at(name, spec, stage, (address, POD_PORT).into()).await;
            let backend = backend.with_context(|| format!("pods listen on {address}: the range must be local here"))?;
            if !spec.bare {
                self.room.pod(name, spec.service.as_ref().unwrap_or(name), address).await?;
            }
            given.backends.insert(name.clone(), backend);
        }
        given.make_certificates(scenario)?;
        for object in self.declare(scenario, &given)? {
            self.room.apply(&object).await.with_context(|| object.to_string())?;
        }
        Ok(given)
    }

    fn declare(&self, scenario: &Scenario, given: &Given) -> Result<Vec<Value>> {
        let mut objects = if scenario.no_class { Vec::new() } else { vec![self.room.class()] };
        let mut services = BTreeMap::new();
        for backend in given.backends.values().filter(|backend| !backend.spec.bare) {
            let h2c = (backend.spec.protocol == Protocol::H2c).then_some("kubernetes.io/h2c");
            let app = backend.spec.service.as_deref().unwrap_or(&backend.name);
            services.insert(app, backend.spec.app_protocol.as_deref().or(h2c));
        }
        objects.extend(services.into_iter().map(|(app, protocol)| self.room.service(app, protocol)));
        for (name, certificate) in &given.certificates {
            if !scenario.certificates.get(name).is_some_and(super::CertificateSpec::is_bare) {
                objects.push(certificate.secret(&self.room.name, name));
            }
        }
        for (name, policy) in &scenario.policies {
            let module = STANDARD.encode(given::module(&policy.module)?);
            objects.push(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "binaryData": {"module": module},
            }));
            objects.push(self.owned(given::declare_policy(
                name,
                policy,
                json!({"configMap": {"name": name, "key": "module"}}),
            )));
        }
        let sites = scenario.sites.iter();
        objects.extend(sites.map(|(host, site)| self.owned(given::declare_site(host, site, &self.room.name))));
        for object in &scenario.given {
            objects.extend(given.objects(object)?);
        }
        Ok(objects)
    }

    /// What is declared for files is in the namespace `default`; here it is in the test's.
    fn owned(&self, mut object: Value) -> Value {
        if let Some(namespace) = object.pointer_mut("/metadata/namespace") {
            *namespace = json!(self.room.name);
        }
        object
    }

    pub fn variables(&self) -> BTreeMap<String, Value> {
        [
            ("namespace", self.room.name.clone()),
            ("class", self.room.name.clone()),
            ("controller", self.room.controller()),
        ]
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into()
    }

    /// What the step does to the cluster, before anything is sent.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn act(&self, step: &Step, given: &Given) -> Result<()> {
        if let Some(action) = step.plane {
            self.act_on_plane(action)?;
        }
        if let Some(faults) = &step.faults {
            self.proxy()?.set(faults.clone());
        }
        if let Some(how) = &step.break_watches {
            self.proxy()?.break_watches(how.clone());
        }
        for object in step.apply.iter().flat_map(|apply| &apply.objects) {
            for object in given.objects(object)? {
                self.room.apply(&object).await?;
            }
        }
        if let Some(object) = &step.delete {
            let (kind, name) = object.split_once('/').with_context(|| format!("not KIND/NAME: {object}"))?;
            self.room.api.delete(kind, &self.room.name, &given.fill_name(name)?).await?;
        }
        for (pod, state) in &step.pods {
            self.room.set(pod, *state).await?;
        }
        Ok(())
    }

    fn act_on_plane(&self, action: PlaneAction) -> Result<()> {
        match action {
            PlaneAction::Pause => self.plane.pause(),
            PlaneAction::Resume => self.plane.resume(),
            PlaneAction::Kill => self.plane.kill(),
            PlaneAction::Restart => self.plane.restart(),
        }
    }

    /// Waits for what the step expects of the cluster.
    ///
    /// # Errors
    /// What differs when the deadline has passed.
    pub async fn check(&self, step: &Step, given: &Given, passed: usize) -> Result<()> {
        for wanted in &step.expect.objects {
            let namespace = wanted.namespace.as_ref().unwrap_or(&self.room.name);
            let (is, name) = (given.fill(&wanted.is)?, given.fill_name(&wanted.name)?);
            let matches = |found: Option<&Value>| {
                pattern::matches(&is, found).map_err(|refusal| anyhow!("{}: {refusal}\n  in {found:?}", wanted.name))
            };
            self.room.api.until(&wanted.kind, namespace, &name, matches).await?;
        }
        for wanted in &step.expect.events {
            let wanted = json!({"has": [given.fill(wanted)?]});
            let matches = |found: &[Value]| {
                pattern::matches(&wanted, Some(&json!(found))).map_err(|refusal| anyhow!("events: {refusal}"))
            };
            self.room.api.until_list("Event", &self.room.name, &[], matches).await?;
        }
        for (part, count) in &step.expect.asked {
            self.proxy()?.saw(passed, &given.fill_name(part)?, *count).await?;
        }
        for part in &step.expect.not_asked {
            let part = given.fill_name(part)?;
            let seen = self.proxy()?.passed();
            let found = seen.iter().skip(passed).find(|one| one.request.contains(&part));
            ensure!(found.is_none(), "{found:?}");
        }
        Ok(())
    }

    fn proxy(&self) -> Result<&FaultProxy> {
        self.proxy.as_ref().context("no proxy")
    }

    /// How many requests the proxy has seen.
    pub fn passed(&self) -> usize {
        self.proxy.as_ref().map_or(0, |proxy| proxy.passed().len())
    }

    /// Leaves the plane as the next file needs it.
    ///
    /// # Errors
    /// When the API server does not start again, or something cannot be removed.
    pub async fn close(&self) -> Result<()> {
        if self.plane.is_ours() { self.plane.recover() } else { self.room.close().await }
    }
}

impl Scenario {
    fn needs_proxy(&self) -> bool {
        let step = |step: &Step| step.faults.is_some() || step.break_watches.is_some() || !step.expect.asked.is_empty();
        self.faults.is_some() || self.steps.iter().any(step)
    }

    /// Whether it pauses or kills the API server.
    pub fn needs_own_plane(&self) -> bool {
        self.steps.iter().any(|step| step.plane.is_some())
    }

    /// Refuses steps that only a cluster can play, or only files.
    ///
    /// # Errors
    /// Names the step.
    pub(super) fn check_place(&self, cluster: bool) -> Result<()> {
        for step in &self.steps {
            let only_cluster = step.faults.is_some()
                || step.break_watches.is_some()
                || step.plane.is_some()
                || !step.pods.is_empty()
                || !step.expect.objects.is_empty()
                || !step.expect.asked.is_empty()
                || !step.expect.not_asked.is_empty()
                || !step.expect.events.is_empty();
            ensure!(cluster || !only_cluster, "{}: only on a cluster", step.name());
            let only_files = step.apply.as_ref().is_some_and(|apply| apply.text.is_some() || apply.module.is_some());
            ensure!(!cluster || !only_files, "{}: only with files", step.name());
        }
        Ok(())
    }
}
