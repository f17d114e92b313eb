//! A load balancer as clouds have it: it forwards connections, knows nothing of HTTP, and sends new ones to members that
//! are ready. What it has forwarded stays where it is.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{MissedTickBehavior, interval};

use crate::client::http1;
use crate::ingress::Ingress;
use crate::pulse::Pulse;
use crate::wire::Wire;

/// How often it asks `/readyz`.
const PERIOD: Duration = Duration::from_millis(20);

/// One address behind it.
pub struct Member {
    http: SocketAddr,
    admin: SocketAddr,
    ready: Cell<bool>,
    /// Connections that it was given.
    pub forwarded: Cell<u32>,
}

struct Shared {
    members: RefCell<Vec<Rc<Member>>>,
    next: Cell<usize>,
    pulse: Pulse,
}

/// Runs on the thread's `LocalSet`, until it is dropped.
pub struct Balancer {
    pub address: SocketAddr,
    shared: Rc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

impl Balancer {
    pub async fn start(pulse: &Pulse) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Rc::new(Shared { members: RefCell::default(), next: Cell::new(0), pulse: pulse.clone() });
        let tasks = [spawn_local(accept(Rc::clone(&shared), listener)), spawn_local(watch(Rc::clone(&shared)))];
        Ok(Self { address, shared, tasks })
    }

    /// Adds an instance, and waits until it was seen ready.
    pub async fn add(&self, ingress: &Ingress) -> Result<Rc<Member>> {
        let (http, admin) = (ingress.http, ingress.admin);
        let member = Rc::new(Member { http, admin, ready: Cell::new(false), forwarded: Cell::new(0) });
        self.shared.members.borrow_mut().push(Rc::clone(&member));
        self.shared.pulse.until(|| member.ready.get().then_some(()).context("the instance is not ready")).await?;
        Ok(member)
    }

    /// Waits until a member was seen unready.
    pub async fn await_unready(&self, member: &Member) -> Result<()> {
        self.shared.pulse.until(|| (!member.ready.get()).then_some(()).context("the instance is still ready")).await
    }

    pub fn remove(&self, member: &Rc<Member>) {
        self.shared.members.borrow_mut().retain(|other| !Rc::ptr_eq(other, member));
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    /// The next member that is ready.
    fn pick(&self) -> Option<Rc<Member>> {
        let members = self.members.borrow();
        let ready: Vec<_> = members.iter().filter(|member| member.ready.get()).collect();
        let turn = self.next.replace(self.next.get().wrapping_add(1));
        ready.get(turn % ready.len().max(1)).map(|member| Rc::clone(member))
    }
}

async fn accept(shared: Rc<Shared>, listener: TcpListener) {
    while let Ok((mut client, _)) = listener.accept().await {
        let Some(member) = shared.pick() else { continue };
        member.forwarded.set(member.forwarded.get() + 1);
        spawn_local(async move {
            // Whoever was forwarded sees how it ended.
            let Ok(mut server) = TcpStream::connect(member.http).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

/// Asks every member, each period.
async fn watch(shared: Rc<Shared>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let members = shared.members.borrow().clone();
        for member in members {
            let ready = is_ready(member.admin).await.unwrap_or(false);
            if member.ready.replace(ready) != ready {
                shared.pulse.beat();
            }
        }
    }
}

async fn is_ready(admin: SocketAddr) -> Result<bool> {
    let mut wire = Wire::new(TcpStream::connect(admin).await?);
    wire.write(b"GET /readyz HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").await?;
    Ok(http1::reply(&mut wire, "GET").await?.status == 200)
}
