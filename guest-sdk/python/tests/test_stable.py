"""What never changes."""

import unittest

from cardea import path
from cardea.stable import Spread, hash64


class Stable(unittest.TestCase):
    def test_the_hash_is_that_of_every_other_sdk(self):
        for seed, key, expected in [
            ("", "", 0xCFA3C5EB015B4663),
            ("canary", "", 0xC1F8842CE7EF3DB6),
            ("canary", "a", 0xF209AA7026AF6CD5),
            ("canary", "203.0.113.7", 0xF4F8FC1DF0A00B82),
            ("shop-canary", "6f1c", 0xDDA9CC8B45146F77),
            ("canary", "é", 0x34480DD437F5B5EE),
        ]:
            self.assertEqual(hash64(hash64(0, seed.encode()), key.encode()), expected, (seed, key))
        self.assertEqual(Spread("canary").position("a"), 0.9454599880033904)

    def test_a_prefix_covers_whole_elements(self):
        for given, prefix, covered in [
            ("/admin", "/admin", True),
            ("/admin/x", "/admin/", True),
            ("/admin", "/admin/", True),
            ("/administer", "/admin", False),
            ("/x", "/", True),
            ("/a", "/a/b", False),
        ]:
            self.assertEqual(path.under(given, prefix), covered, (given, prefix))


if __name__ == "__main__":
    unittest.main()
