//! Every way in which a request can fail, closed: its status, its label, who was at fault.

use std::sync::Arc;

use http::StatusCode;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("the request target is too long")]
    UriTooLong,
    #[error("the request head is too large")]
    HeaderTooLarge,
    #[error("the request body is larger than {0} bytes")]
    BodyTooLarge(u64),
    #[error("the client sent too slowly")]
    RequestTimeout,
    #[error("{0}")]
    NotImplemented(&'static str),
    #[error("the expectation is not 100-continue")]
    Expectation,
    #[error("the HTTP version is not supported")]
    Version,
    #[error("no route")]
    NoRoute,
    #[error("{0}")]
    Unavailable(Arc<str>),
    #[error("the backend has no ready endpoints")]
    NoEndpoints,
    #[error("connecting: {0}")]
    ConnectFailed(String),
    #[error("connecting took too long")]
    ConnectTimeout,
    #[error("the backend did not answer in time")]
    UpstreamTimeout,
    #[error("the backend closed the connection: {0}")]
    UpstreamReset(String),
    #[error("the backend's answer is not valid: {0}")]
    UpstreamProtocol(String),
    #[error("the client went away")]
    ClientGone,
    #[error("shutting down")]
    Draining,
    #[error("policy {0} {1}")]
    Policy(Arc<str>, cardea_policy::Failure),
}

impl Failure {
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::ConnectFailed(_)
            | Self::UpstreamReset(_)
            | Self::UpstreamProtocol(_)
            | Self::Policy(_, cardea_policy::Failure::NoAnswer(_)) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable(_) | Self::NoEndpoints | Self::Draining | Self::Policy(..) | Self::ClientGone => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The label of metrics and access lines.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::UriTooLong => "uri_too_long",
            Self::HeaderTooLarge => "header_too_large",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::NotImplemented(_) => "not_implemented",
            Self::Expectation => "expectation",
            Self::Version => "version",
            Self::NoRoute => "no_route",
            Self::Unavailable(_) => "unavailable",
            Self::NoEndpoints => "no_endpoints",
            Self::ConnectFailed(_) => "connect_failed",
            Self::ConnectTimeout => "connect_timeout",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamReset(_) => "upstream_reset",
            Self::UpstreamProtocol(_) => "upstream_protocol",
            Self::ClientGone => "client_gone",
            Self::Draining => "draining",
            Self::Policy(_, failure) => failure.label(),
        }
    }

    /// Whether the connection's framing can no longer be trusted, so that it closes after the answer.
    pub const fn closes(&self) -> bool {
        matches!(
            self,
            Self::BadRequest(_)
                | Self::UriTooLong
                | Self::HeaderTooLarge
                | Self::BodyTooLarge(_)
                | Self::RequestTimeout
                | Self::NotImplemented(_)
                | Self::Version
                | Self::Draining
        )
    }
}
