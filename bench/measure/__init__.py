"""The benchmark's parts; `bench.py` beside this folder runs them in order."""
