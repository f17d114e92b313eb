"""Doubles of the host, for tests; each module has the names and signatures of the generated one. None is in a component."""
