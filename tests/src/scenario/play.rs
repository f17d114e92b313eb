//! Plays a file: its steps in order, on one ingress process; a failed step does not stop those after it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::check::{self, Seen};
use super::cluster::Site;
use super::given::{self, Given};
use super::{Scenario, Send, Step};
use crate::backend::Stage;
use crate::client::{self, Connection, Dial, Opened, Reply, Request, frames, http1, tls::Tls};
use crate::ingress::{Cluster, Ingress, Launch, Manifests, alive};
use crate::plane::Plane;
use crate::pulse::{DEADLINE, within};
use crate::wire::bytes;

/// What became of one step.
pub struct Outcome {
    pub promise: String,
    pub result: Result<()>,
}

/// Everything that a step can touch.
pub struct World {
    pub ingress: Ingress,
    pub(super) given: Given,
    pub stage: Stage,
    /// Where in a cluster; none with files.
    pub site: Option<Site>,
    launch: Launch,
    connections: BTreeMap<String, Opened>,
    idle: Vec<TcpStream>,
}

/// Starts what the file needs, and plays it.
pub async fn run(scenario: &Scenario) -> Vec<Outcome> {
    play_all(scenario, World::build(scenario).await).await
}

/// The same, on a cluster.
pub async fn run_on(plane: &Arc<Plane>, scenario: &Scenario) -> Vec<Outcome> {
    play_all(scenario, World::build_on(plane, scenario).await).await
}

async fn play_all(scenario: &Scenario, world: Result<World>) -> Vec<Outcome> {
    let mut world = match world {
        Ok(world) => world,
        Err(error) => {
            let fail = |step: &Step| Outcome { promise: step.name(), result: Err(anyhow!("set-up: {error:#}")) };
            return scenario.steps.iter().map(fail).collect();
        }
    };
    let mut outcomes = Vec::new();
    for step in &scenario.steps {
        let result = world.play(step).await;
        outcomes.push(Outcome { promise: step.name(), result });
    }
    if let Some(site) = &world.site
        && let Err(error) = site.close().await
    {
        outcomes.push(Outcome { promise: "nothing is left behind".to_owned(), result: Err(error) });
    }
    outcomes
}

impl World {
    /// Starts the backends, then the ingress on what the file gives.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn build(scenario: &Scenario) -> Result<Self> {
        scenario.check_place(false)?;
        let stage = Stage::default();
        let manifests = Manifests::new()?;
        let given = given::set_up(scenario, &manifests, &stage).await?;
        Self::launch(scenario, manifests, given, stage, None).await
    }

    /// The same, with a namespace of a cluster in place of a directory.
    ///
    /// # Errors
    /// When one of them does not start, or the API server refuses something.
    pub async fn build_on(plane: &Arc<Plane>, scenario: &Scenario) -> Result<Self> {
        scenario.check_place(true)?;
        let stage = Stage::default();
        let site = Site::new(plane, scenario, &stage).await?;
        let given = site.set_up(scenario, &stage).await?;
        Self::launch(scenario, Manifests::new()?, given, stage, Some(site)).await
    }

    async fn launch(
        scenario: &Scenario,
        manifests: Manifests,
        mut given: Given,
        stage: Stage,
        site: Option<Site>,
    ) -> Result<Self> {
        given.name_folder(&manifests.private());
        let mut flags = scenario.flags.iter().map(|flag| given.fill_name(flag)).collect::<Result<Vec<_>>>()?;
        let cluster = site.as_ref().map(|site| {
            flags.extend(["--controller-name".to_owned(), site.room.controller()]);
            Cluster { kubeconfig: site.kubeconfig.clone(), namespace: site.room.name.clone() }
        });
        let (descriptors_max, unready) = (scenario.descriptors_max, scenario.starts_unready);
        let launch = Launch { flags, descriptors_max, cluster, unready };
        let ingress = Ingress::start(manifests, &launch, &stage.pulse).await?;
        Ok(Self { ingress, given, stage, site, launch, connections: BTreeMap::new(), idle: Vec::new() })
    }

    async fn play(&mut self, step: &Step) -> Result<()> {
        if step.expect.exit.is_none() {
            alive(&mut self.ingress)?;
        }
        let mut seen = Seen::begin(self)?;
        self.act(step).await?;
        if step.restart {
            seen.count_from_the_start();
        }
        if self.site.is_some() && !step.at_once {
            self.settle(step, &mut seen).await?;
        } else {
            self.attempt(step, &mut seen).await?;
        }
        check::step(self, step, &mut seen).await
    }

    async fn attempt(&mut self, step: &Step, seen: &mut Seen) -> Result<()> {
        for _ in 0..step.repeat.unwrap_or(1) {
            self.exchange(step, seen).await?;
        }
        Ok(())
    }

    /// Tries until all is as expected: a change in a cluster takes its time to arrive.
    async fn settle(&mut self, step: &Step, seen: &mut Seen) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            seen.again(self);
            let result = match self.attempt(step, seen).await {
                Ok(()) => check::now(self, step, seen).await,
                failed => failed,
            };
            match result {
                Err(refusal) if Instant::now() < deadline => {
                    alive(&mut self.ingress).map_err(|error| error.context(refusal))?;
                    self.stage.pulse.soon().await;
                }
                Err(refusal) => return Err(refusal.context(format!("not within {DEADLINE:?}"))),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn act(&mut self, step: &Step) -> Result<()> {
        if let Some(site) = &self.site {
            site.act(step, &self.given).await?;
        } else if let Some(apply) = &step.apply {
            self.ingress.apply(&apply.file, &self.given.content(apply)?).await?;
        }
        if let Some(file) = step.delete.as_ref().filter(|_| self.site.is_none()) {
            self.ingress.delete(file).await?;
        }
        if step.restart {
            self.ingress.restart(&self.launch).await?;
        }
        if let Some(name) = &step.stop {
            self.given.backends.get_mut(name).with_context(|| format!("no backend {name}"))?.stop();
        }
        if let Some(gate) = &step.open {
            self.stage.open(gate);
        }
        if let Some(name) = &step.close {
            drop(self.connections.remove(name).with_context(|| format!("no connection {name}"))?);
        }
        if let Some(signal) = &step.signal {
            self.ingress.signal(signal)?;
        }
        Ok(())
    }

    /// Sends what the step says, and reads what it expects to be answered.
    async fn exchange(&mut self, step: &Step, seen: &mut Seen) -> Result<()> {
        let Some(send) = step.send.clone().or_else(|| step.on.as_ref().map(|_| Send::default())) else { return Ok(()) };
        let nothing_to_send = step.send.is_none();
        for _ in 0..send.idle_connections {
            self.idle.push(TcpStream::connect(self.address(&send)?).await?);
        }
        let result = within("the answer", self.converse(step, &send, nothing_to_send, seen)).await;
        let refused = step.expect.refused == Some(true);
        let may_refuse = [step.expect.rejected, step.expect.any_outcome].contains(&Some(true));
        match result {
            Ok(()) if refused => bail!("answered, not refused: {:?}", seen.replies),
            Err(error) if refused || may_refuse => {
                // Silence is no refusal.
                if error.to_string().contains("not within") { Err(error) } else { Ok(()) }
            }
            result => result,
        }
    }

    async fn converse(&mut self, step: &Step, send: &Send, nothing_to_send: bool, seen: &mut Seen) -> Result<()> {
        let address = self.address(send)?;
        if let Some(fields) = &send.frames {
            seen.replies.push(frames::exchange(address, fields, &bytes(&send.body)).await?);
            return Ok(());
        }
        let known = step.on.as_ref().and_then(|name| self.connections.remove(name));
        let mut opened = match known {
            Some(opened) => opened,
            None => client::open(address, &dial(send)).await?,
        };
        seen.tls.clone_from(&opened.tls);
        match &mut opened.connection {
            Connection::Http1(wire) => {
                if !nothing_to_send {
                    let encoded =
                        send.raw.as_ref().map_or_else(|| http1::encode(&request(send)), |raw| bytes(&expand(raw)));
                    // A peer that has closed already shows when its answer is read.
                    drop(wire.write(&encoded).await);
                }
                read(wire, step, &method(send), seen).await?;
            }
            Connection::Http2(client) => {
                let request = request(send);
                client.reset_streams(&request, send.resets).await?;
                let streams = (0..send.streams).map(|_| client.exchange(&request));
                for reply in join_all(streams).await {
                    seen.replies.push(reply?);
                }
            }
        }
        match &step.on {
            Some(name) => drop(self.connections.insert(name.clone(), opened)),
            None => seen.last = Some(opened),
        }
        Ok(())
    }

    fn address(&self, send: &Send) -> Result<SocketAddr> {
        match send.to.as_str() {
            "http" => Ok(self.ingress.http),
            "https" => Ok(self.ingress.https),
            "admin" => Ok(self.ingress.admin),
            other => bail!("no listener {other}"),
        }
    }

    /// The connection of the step, for what is checked after the answer.
    pub fn connection(&mut self, step: &Step) -> Option<&mut Opened> {
        step.on.as_ref().and_then(|name| self.connections.get_mut(name))
    }
}

async fn read(wire: &mut crate::wire::Wire, step: &Step, method: &str, seen: &mut Seen) -> Result<()> {
    let expect = &step.expect;
    let replies = expect.replies.as_ref().map_or(usize::from(expect.reply.is_some()), Vec::len);
    for _ in 0..replies {
        seen.replies.push(http1::reply(wire, method).await?);
    }
    if expect.ends == Some(true) {
        wire.closed().await?;
    }
    if let Some(wanted) = &expect.receive {
        wire.receive(&bytes(&expand(wanted))).await?;
    }
    if expect.refused == Some(true) || expect.rejected == Some(true) {
        seen.replies.push(http1::reply(wire, method).await?);
    }
    Ok(())
}

fn dial(send: &Send) -> Dial {
    let tls = (send.to == "https" && !send.plain).then(|| Tls {
        sni: match &send.sni {
            Some(name) => (!name.is_empty()).then(|| name.clone()),
            None => send.host.as_ref().map(|host| host.split(':').next().unwrap_or_default().to_owned()),
        },
        alpn: send.alpn.clone().unwrap_or_else(|| if send.http2 { vec!["h2".to_owned()] } else { Vec::new() }),
    });
    Dial { before: bytes(&expand(&send.before)), tls, http2: send.http2 }
}

fn request(send: &Send) -> Request {
    Request {
        method: send.method.clone(),
        scheme: if send.to == "https" { "https" } else { "http" },
        host: send.host.clone(),
        target: expand(&send.path),
        fields: send.headers.fields(),
        body: bytes(&expand(&send.body)),
        trailers: send.trailers.fields(),
    }
}

/// `${a*9}` is nine times `a`.
fn expand(text: &str) -> String {
    let repetition = || {
        let (before, rest) = text.split_once("${")?;
        let (inner, after) = rest.split_once('}')?;
        let (repeated, times) = inner.rsplit_once('*')?;
        Some(format!("{before}{}{}", repeated.repeat(times.parse().ok()?), expand(after)))
    };
    repetition().unwrap_or_else(|| text.to_owned())
}

/// What the reply's framing depends on; of raw bytes, the first word.
fn method(send: &Send) -> String {
    match &send.raw {
        Some(raw) => raw.split(' ').next().unwrap_or_default().to_owned(),
        None => send.method.clone(),
    }
}

/// Polls all of them, and waits for all.
async fn join_all(futures: impl Iterator<Item = impl Future<Output = Result<Reply>>>) -> Vec<Result<Reply>> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, reply) in &mut waiting {
            if reply.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *reply = Some(ready);
            }
        }
        if waiting.iter().all(|(_, reply)| reply.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, reply)| reply).collect()
}

/// One more request on a connection that should be open.
pub async fn probe(opened: &mut Opened) -> Result<()> {
    let wire = opened.connection.wire()?;
    wire.write(b"GET /probe HTTP/1.1\r\nhost: probe.invalid\r\n\r\n").await?;
    let reply = http1::reply(wire, "GET").await.context("the connection is not open")?;
    ensure!(reply.status > 0, "no status");
    Ok(())
}
