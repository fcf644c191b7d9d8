"""How close an apply comes to the rate that a server admits, and how many requests it has turned away.

    python benchmarks/pace.py --rates 20,50,200 --seconds 60

A sandbox in a process of its own admits so many requests a second and answers 429 to the others. One apply creates half
of the users and updates the other half, with about as many requests as that server admits in so many seconds. The
server counts. "settled" is what follows after the first 20 seconds, or after a third of a run that is shorter.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import reconciler
from generate import Size, seed, write_workspace
from reconciler.config import ApplySettings
from reconciler.sandbox.faults import FaultRule, Rate
from reconciler.sandbox.server import Sandbox

SERVERS = {
    "bucket, Retry-After": Rate(requests=1),
    "bucket, Retry-After as a date": Rate(requests=1, header="retry_after_date"),
    "bucket, X-RateLimit-Reset on 429": Rate(requests=1, header="reset_epoch_ms"),
    "bucket, X-RateLimit-* on all": Rate(requests=1, header="reset_epoch", announce=True),
    "bucket, no headers": Rate(requests=1, header="none"),
    "small bucket, Retry-After": Rate(requests=1, burst=5),
    "window, Retry-After": Rate(requests=1, algorithm="fixed_window"),
    "window, X-RateLimit-* on all": Rate(requests=1, algorithm="fixed_window", header="reset_seconds", announce=True),
    "window, no headers": Rate(requests=1, algorithm="fixed_window", header="none"),
}
_REQUESTS_PER_USER = 2.5  # a creation and its reading back; a reading, an update and its reading back
_SAMPLE_SECONDS = 0.05


class Sample(NamedTuple):
    """What a server had counted at a moment: requests, and those of them that it turned away."""

    at: float
    requests: int
    throttled: int


class Share(NamedTuple):
    """Between two samples: admitted requests a second, as a share of the rate, and turned away, as a share of all."""

    rate: float
    throttled: float


def serve(pipe: Connection, size: Size, limit: Rate) -> None:
    """Serve until told to stop; limit the rate, and count, from when that is asked for. Runs in its own process."""
    live = {"users": [user | {"title": "Trainee"} for user in seed(size)["users"][::2]], "groups": []}
    with Sandbox(seed=live) as sandbox:
        pipe.send({"SCIM_BASE_URL": sandbox.base_url, "SCIM_TOKEN": sandbox.token})
        pipe.recv()
        sandbox.use_faults([FaultRule(fault=limit)])
        before = sandbox.request_count
        samples: list[Sample] = []
        pipe.send(None)
        while not pipe.poll(_SAMPLE_SECONDS):
            injected = sandbox.fault_counts[0].injected
            samples.append(Sample(time.monotonic(), sandbox.request_count - before, injected))
        pipe.send(samples)


def run(users: int, limit: Rate, concurrency: int) -> list[Sample]:
    """Apply to a server with such a limit, and return what that server counted, from its first request to its last."""
    size = Size(users=users, groups=0, members=0)
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    server = context.Process(target=serve, args=(other, size, limit), daemon=True)
    server.start()
    with TemporaryDirectory() as folder:
        workspace = Path(folder)
        write_workspace(size, workspace)
        environ = pipe.recv()
        desired = reconciler.load(workspace).desired
        config = replace(desired.config, apply=ApplySettings(concurrency=concurrency))
        live = reconciler.read_live(config, workspace, environ=environ)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        planned = reconciler.plan(desired, live, as_of=now)
        pipe.send(None)
        pipe.recv()
        result = reconciler.apply(planned, config, workspace, environ=environ, now=now)
        assert result.complete, [outcome.message for outcome in result.outcomes if outcome.message][:3]
    pipe.send(None)
    samples: list[Sample] = pipe.recv()
    server.join()
    last = samples[-1].requests
    return [sample for sample in samples if 0 < sample.requests < last]


def share(begin: Sample, end: Sample, rate: float) -> Share:
    """Return what became of the requests between two samples."""
    requests, throttled = end.requests - begin.requests, end.throttled - begin.throttled
    return Share((requests - throttled) / (end.at - begin.at) / rate, throttled / max(requests, 1))


def tell(name: str, rate: int, samples: list[Sample]) -> None:
    """Print a line of the table."""
    first, last = samples[0], samples[-1]
    from_then = first.at + min(20.0, (last.at - first.at) / 3)
    settled = share(next(sample for sample in samples if sample.at >= from_then), last, rate)
    whole = share(first, last, rate)
    print(
        f"{name:<34}{rate:>6}{last.at - first.at:>8.0f} s"
        f"{settled.rate:>10.1%}{settled.throttled:>11.2%}{whole.rate:>12.1%}{whole.throttled:>11.2%}",
        flush=True,
    )


def main() -> None:
    """Read the command line, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", default="20,50,200", help="requests a second that the server admits (20,50,200)")
    parser.add_argument("--seconds", type=int, default=60, help="how long an apply at exactly that rate takes (60)")
    parser.add_argument("--only", default="", help="only servers with this text in their name")
    parser.add_argument("--concurrency", type=int, default=8, help="requests in flight at most (8)")
    arguments = parser.parse_args()
    print(f"{'':<34}{'rate':>6}{'lasted':>10}{'settled':>10}{'throttled':>11}{'whole run':>12}{'throttled':>11}")
    for rate in map(int, arguments.rates.split(",")):
        users = int(rate * arguments.seconds / _REQUESTS_PER_USER)
        for name, limit in SERVERS.items():
            if arguments.only in name:
                tell(name, rate, run(users, replace(limit, requests=rate), arguments.concurrency))


if __name__ == "__main__":
    main()
