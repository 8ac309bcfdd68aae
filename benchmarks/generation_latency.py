"""How long a picture takes while nothing else runs, and while a training runs.

    make run                                    # in another terminal
    python -m benchmarks.generation_latency

Asks the running service one grid at a time, each with a seed of its own so that none comes from a cache; then posts
a training, asks again while it runs, cancels it, and prints both distributions and the ratio of their p99.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence

import httpx


def measure(client: httpx.Client, requests: int, first_seed: int, count: int) -> list[float]:
    """Return the seconds of each request."""
    seconds = []
    for seed in range(first_seed, first_seed + requests):
        began = time.perf_counter()
        client.get("/generate", params={"digit": 7, "seed": seed, "count": count}).raise_for_status()
        seconds.append(time.perf_counter() - began)
    return seconds


def start_training(client: httpx.Client) -> str:
    """Post the default training and return its path once it has taken its first steps."""
    path: str = client.post("/train", json={}).raise_for_status().headers["Location"]
    while client.get(path).raise_for_status().json()["progress"]["step"] == 0:
        time.sleep(0.5)
    return path


def describe(name: str, seconds: Sequence[float]) -> float:
    """Print a row and return the p99."""
    p99 = statistics.quantiles(seconds, n=100)[98]
    print(f"{name:<16}{statistics.median(seconds) * 1e3:>9.1f}{p99 * 1e3:>9.1f}{max(seconds) * 1e3:>9.1f}")
    return p99


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("GANERY_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--count", type=int, default=16, help="pictures in a grid")
    arguments = parser.parse_args()
    with httpx.Client(base_url=arguments.url, timeout=60) as client:
        seed = time.time_ns() % 2**40
        measure(client, 10, seed, arguments.count)  # load the checkpoint
        print(f"{'milliseconds':<16}{'median':>9}{'p99':>9}{'most':>9}")
        idle = describe("idle", measure(client, arguments.requests, seed + 10, arguments.count))
        job = start_training(client)
        busy = describe("while training", measure(client, arguments.requests, seed + 10**6, arguments.count))
        client.post(f"{job}/cancel").raise_for_status()
    print(f"p99 while training / p99 idle   {busy / idle:.2f}")


if __name__ == "__main__":
    main()
