"""Measurements that anyone can run: `python -m benchmarks.NAME`. What they gave is in RESULTS.md."""
