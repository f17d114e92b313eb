//! Heads that a policy holds: until it has heard enough of the body, or something else that it waits for has come.

use std::future::poll_fn;
use std::rc::Rc;

use cardea_policy::{Side, Step};
use http::Response;

use super::Asked;
use super::filter::{self, Broken, Filter};
use super::policies::{self, Answered, Policies};
use super::reply::{self, Payload};
use crate::conn::Client;
use crate::failure::Failure;
use crate::record::Record;
use crate::upstream::body::{Filtered, Outbound};

/// Waits for the policy that holds the request's head, and goes on with those after it.
pub async fn request(
    client: &Rc<Client>,
    mut asked: Box<Asked>,
    record: &mut Record,
) -> Result<(Box<Asked>, Step), Failure> {
    let Some((mut filter, hears)) = filter(client, Side::Request, matches!(asked.body, Outbound::Empty), record) else {
        return Ok((asked, Step::Forward));
    };
    match poll_fn(|cx| filter.poll_release(cx, &mut asked.body)).await {
        Err(Broken::Reply(reply)) => return Ok((asked, Step::Reply(*reply))),
        Err(Broken::Failed(failure)) => return Err(failure),
        Ok(()) => {}
    }
    // It may have written a body where there was none.
    if hears || !filter.is_done() {
        filter.policies.borrow_mut().exchange.ended = false;
        let body = std::mem::replace(&mut asked.body, Outbound::Empty);
        let filter = filter.of(body.upload());
        asked.body = Outbound::Filtered(Box::new(Filtered { filter, body }));
    }
    let step = policies::go_on(client, &mut asked, record, |Policies { run, exchange, .. }, instances, allowed| {
        run.go_on(instances, exchange, allowed)
    })?;
    Ok((asked, step))
}

/// Likewise for the head of the answer.
pub async fn answer(
    client: &Rc<Client>,
    mut response: Response<Payload>,
    record: &mut Record,
) -> Result<Response<Payload>, Failure> {
    loop {
        let ended = filter::Body::is_end_stream(response.body());
        let Some((mut filter, hears)) = filter(client, Side::Response, ended, record) else { return Ok(response) };
        let released = poll_fn(|cx| filter.poll_release(cx, response.body_mut())).await;
        let Some(policies) = &record.policies else { return Ok(response) };
        match released {
            Err(Broken::Failed(failure)) => return Err(failure),
            Err(Broken::Reply(reply)) => {
                *response.body_mut() = Payload::Whole(reply.body.clone());
                let Policies { run, exchange, .. } = &mut *policies.borrow_mut();
                run.replace(*reply, exchange);
            }
            Ok(()) if hears => {
                let payload = std::mem::replace(response.body_mut(), Payload::Empty);
                *response.body_mut() = Payload::Filtered(Box::new(reply::Filtered { filter, payload }));
            }
            Ok(()) => {}
        }
        let step =
            policies::visit(&client.worker, &mut policies.borrow_mut(), |Policies { run, exchange, .. }, instances| {
                run.respond_on(instances, exchange)
            });
        match policies::answered(&client.worker, policies, step, response)? {
            Answered::Whole(whole) => return Ok(whole),
            Answered::Held(held) => response = *held,
        }
    }
}

/// The place of the policy that holds a head, and whether it hears of the body.
fn filter(client: &Client, side: Side, ended: bool, record: &Record) -> Option<(Filter, bool)> {
    let policies = record.policies.as_ref()?;
    let (member, wants) = policies.borrow().run.paused(side)?;
    let hears = wants && !ended;
    Some((Filter::new(member, side, policies, &client.worker).holding(hears), hears))
}
