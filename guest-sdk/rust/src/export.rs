//! Makes a component of a policy: the exports that the interface asks for, and no more.

/// Exports a policy with the phases that it has. `on_request` always; name the others.
///
/// ```
/// # use cardea_policy_sdk::{Outcome, Policy, Request};
/// # struct Plain;
/// # impl Policy for Plain {
/// #     type Config = ();
/// #     fn new(_: ()) -> Result<Self, String> { Ok(Plain) }
/// #     fn on_request(&mut self, _: &Request) -> Outcome { Outcome::next() }
/// # }
/// cardea_policy_sdk::export!(Plain: response, complete); // also: request_body
/// # fn main() {}
/// ```
///
/// In a native build it exports nothing and only checks that the type is a policy.
#[macro_export]
macro_rules! export {
    ($policy:ty $(: $($phase:ident),+ $(,)?)?) => {
        const _: fn() = || {
            fn is_a_policy<P: $crate::Policy>() {}
            is_a_policy::<$policy>();
        };

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "exported symbols")]
        const _: () = {
            type Exported = $policy;
            struct Component;

            ::std::thread_local! {
                static INSTANCE: ::std::cell::RefCell<::std::option::Option<Exported>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            impl Component {
                /// The host calls `init` before any phase and never within a call: anything else is its mistake.
                fn with<T>(phase: impl FnOnce(&mut Exported) -> T) -> T {
                    INSTANCE.with(|instance| match &mut *instance.borrow_mut() {
                        ::std::option::Option::Some(policy) => phase(policy),
                        ::std::option::Option::None => $crate::__private::not_started(),
                    })
                }
            }

            impl $crate::__private::lifecycle::Guest for Component {
                fn init(config: ::std::string::String) -> ::std::result::Result<(), ::std::string::String> {
                    let policy = $crate::__private::start::<Exported>(&config)?;
                    INSTANCE.with(|instance| *instance.borrow_mut() = ::std::option::Option::Some(policy));
                    ::std::result::Result::Ok(())
                }
            }

            impl $crate::__private::on_request::Guest for Component {
                fn handle() -> $crate::__private::on_request::RequestOutcome {
                    Component::with($crate::__private::request).into()
                }
            }

            $crate::bindings::base::export!(Component with_types_in $crate::bindings::base);
            $($($crate::__export_phase!($phase);)+)?
        };
    };
}

/// Exports one later phase of the `Component` in scope.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_phase {
    (request_body) => {
        impl $crate::__private::on_request_body::Guest for Component {
            fn handle(
                body: ::std::vec::Vec<u8>,
                complete: bool,
                carry: ::std::vec::Vec<u8>,
            ) -> $crate::__private::on_request_body::RequestOutcome {
                let body = $crate::Body { bytes: body, complete, carry };
                Component::with(|policy| $crate::__private::request_body(policy, body)).into()
            }
        }
        $crate::bindings::request_body::export!(Component with_types_in $crate::bindings::request_body);
    };
    (response) => {
        impl $crate::__private::on_response::Guest for Component {
            fn handle(carry: ::std::vec::Vec<u8>) -> $crate::__private::on_response::ResponseOutcome {
                Component::with(|policy| $crate::__private::response(policy, &carry)).into()
            }
        }
        $crate::bindings::response::export!(Component with_types_in $crate::bindings::response);
    };
    (complete) => {
        impl $crate::__private::on_complete::Guest for Component {
            fn handle(summary: $crate::__private::on_complete::Summary, carry: ::std::vec::Vec<u8>) {
                Component::with(|policy| $crate::__private::complete(policy, &summary.into(), &carry));
            }
        }
        $crate::bindings::complete::export!(Component with_types_in $crate::bindings::complete);
    };
    ($other:ident) => {
        compile_error!(concat!("`", stringify!($other), "` is no phase: request_body, response, complete"));
    };
}

/// What the macros above expand to; not for use by hand.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod private {
    pub use crate::bindings::base::exports::cardea::policy::{lifecycle, on_request};
    pub use crate::bindings::complete::exports::cardea::policy::on_complete;
    pub use crate::bindings::request_body::exports::cardea::policy::on_request_body;
    pub use crate::bindings::response::exports::cardea::policy::on_response;

    use crate::exchange::{Request, Response};
    use crate::outcome::{Outcome, ResponseOutcome, Summary};
    use crate::policy::{Body, Policy};

    pub fn start<P: Policy>(config: &str) -> Result<P, String> {
        crate::policy::start(config)
    }

    pub fn request<P: Policy>(policy: &mut P) -> Outcome {
        policy.on_request(&Request::in_hand())
    }

    pub fn request_body<P: Policy>(policy: &mut P, body: Body) -> Outcome {
        policy.on_request_body(&Request::in_hand(), body)
    }

    pub fn response<P: Policy>(policy: &mut P, carry: &[u8]) -> ResponseOutcome {
        policy.on_response(&Request::in_hand(), &Response::in_hand(), carry)
    }

    pub fn complete<P: Policy>(policy: &mut P, summary: &Summary, carry: &[u8]) {
        policy.on_complete(&Request::in_hand(), summary, carry);
    }

    /// A trap: the host drops the instance.
    pub fn not_started() -> ! {
        core::arch::wasm32::unreachable()
    }
}
