"""A policy in the doubles' world: what it asks, decides, keeps and is told."""

import unittest
from dataclasses import dataclass
from datetime import timedelta

from cardea import Body, ConfigError, Outcome, Policy, Reply, ResponseOutcome, clock, counters, kv, log, metrics, random, testing
from cardea._types import types


@dataclass(frozen=True)
class Config:
    header: str
    backend: str = "canary"


class Canary(Policy[Config]):
    def on_request(self, request):
        if request.header(self.config.header) != "1":
            return Outcome.next()
        backend = self.config.backend
        return Outcome.to(backend).set_response_header("x-served-by", backend).label("canary", "header")


class Asking(unittest.TestCase):
    def test_a_policy_decides_by_what_it_asks_and_is_told_what_it_asked(self):
        running = testing.start(Canary, {"header": "x-canary"})
        expected = Outcome.to("canary").set_response_header("x-served-by", "canary").label("canary", "header")
        self.assertEqual(running.request(headers={"X-Canary": "1"}), expected)
        self.assertEqual(testing.reads(), ["header:x-canary"])
        self.assertEqual(running.request(headers={"x-canary": ["2", "1"]}), Outcome.next())
        with self.assertRaisesRegex(ConfigError, "^config.header: missing$"):
            testing.start(Canary)

    def test_questions_are_answered_as_the_ingress_answers_them(self):
        answers = []

        class Asks(Policy):
            def on_request(self, request):
                answers.extend([request.method, request.path, request.query, request.query_param("x"), request.query_param("none")])
                answers.extend([request.cookie("b"), request.cookie("none"), request.header_values("X-Many"), request.header("none")])
                answers.extend([request.attribute("route.name"), request.path_under("/a"), request.header_bytes("raw")])
                request.set_note("n", "kept")
                answers.append(request.note_text("n"))
                return Outcome.next()

        headers = {"cookie": "a=1; b=2=3", "x-many": ["a", ""], "raw": b"\xff"}
        testing.start(Asks).request("/a/b?x=1+2%20&y", method="POST", headers=headers, attributes={"route.name": "shop"})
        expected = ["POST", "/a/b", "x=1+2%20&y", "1 2 ", None, "2=3", None, ["a", ""], None, "shop", True, b"\xff", "kept"]
        self.assertEqual(answers, expected)

    def test_there_is_no_exchange_before_the_first_request(self):
        class Early(Policy):
            def __init__(self, config):
                from cardea import Request

                Request().path

        with self.assertRaisesRegex(RuntimeError, "no exchange"):
            testing.start(Early)


class Later(unittest.TestCase):
    def test_every_phase_has_what_it_was_given(self):
        seen = []

        class Whole(Policy):
            def on_request(self, request):
                return Outcome.want_body(8, deny_on_overflow=True).with_carry(self.config)

            def on_request_body(self, request, body: Body):
                return Outcome.respond(Reply(200, body=body.data).header("a", "b")).label("carry", f"{body.carry}{self.config}")

            def on_response(self, request, response, carry):
                return ResponseOutcome.keep().set_header("x", f"{response.status} {response.header('a')}")

            def on_complete(self, request, summary, carry):
                seen.append((summary.status, summary.backend, carry))

        running = testing.start(Whole, "s")
        self.assertEqual(running.request().decision.value.max_bytes, 8)
        self.assertEqual(running.request_body("/", "body", carry="xy").labels, [("carry", "b'xy's")])
        edits = running.response(status=204, response_headers={"A": "v"}).edits
        self.assertEqual(edits, [types.Edit_Set(types.Field("x", b"204 v"))])
        running.complete(summary={"status": 503}, carry="c")
        self.assertEqual(seen, [(503, None, b"c")])

    def test_what_a_phase_must_not_return_is_told(self):
        def answering(made):
            class Answers(Policy):
                def on_request(self, request):
                    return made()

            return testing.start(Answers)

        for made, message in [
            (lambda: None, "on_request must return Outcome, and returned NoneType"),
            (lambda: Outcome.deny("403", "no"), "status: expected a whole number up to 999, got '403'"),
            (lambda: Outcome.next().set_header("a", 7), "expected a text or bytes, got int"),
            (lambda: Outcome.next().label("a", None), "label a: expected a text, got NoneType"),
        ]:
            with self.assertRaises((TypeError, ValueError)) as caught:
                answering(made).request()
            self.assertIn(message, str(caught.exception))


class Services(unittest.TestCase):
    def test_the_doubles_keep_count_draw_and_tell_the_time(self):
        class Uses(Policy):
            def on_request(self, request):
                body()
                return Outcome.next()

        def body():
            self.assertIsNone(kv.get("a"))
            self.assertEqual(kv.set("a", "one", timedelta(seconds=1)), 1)
            with self.assertRaises(kv.KvError) as caught:
                kv.compare_and_set("a", 7, "two")
            self.assertEqual(caught.exception.code, "conflict")
            self.assertEqual(kv.compare_and_set("a", 1, "é", 1000), 2)
            self.assertEqual(kv.get("a").text, "é")
            testing.advance(1000)
            self.assertIsNone(kv.get("a"))
            self.assertEqual(counters.add("c", -(2**53) - 1), -(2**53) - 1)
            self.assertEqual(counters.take("b", limit=2, window=10_000), (True, 1, 0))
            self.assertTrue(counters.take("b", limit=2, window=10_000).allowed)
            self.assertEqual(counters.take("b", limit=2, window=10_000), (False, 0, 5000))
            testing.advance(5000)
            self.assertTrue(counters.take("b", limit=2, window=10_000).allowed)
            self.assertEqual(clock.now_ms(), 1_767_225_606_000)
            testing.draw(0.5, 0.25)
            self.assertEqual(random.next_u64(), 2**63)
            self.assertEqual(random.fraction(), 0.25)
            metrics.Counter("calls").add()
            metrics.Gauge("level").set(-5)
            log.info("chose %s", "b")

        testing.start(Uses).request()
        self.assertEqual(testing.log_lines(), ["info: chose b"])
        self.assertEqual((testing.metric("calls"), testing.metric("level")), (1, -5))
        self.assertEqual(testing.reads(), ["kv-local", "counters", "clock", "random"])


if __name__ == "__main__":
    unittest.main()
