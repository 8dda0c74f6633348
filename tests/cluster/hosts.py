"""Hosts for a standalone cluster: network namespaces where this user may make them, else loopback.

A host has an address of its own, and folders of its own for what Spark and functions write. What
runs on it is known by a variable, which processes inherit.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from doctor.cluster import STARTED, stop, wait_for

from hydrofoil.settings.user_conf import spark_home

VARIABLE = "HYDROFOIL_TEST_HOST"
NETWORK = "10.203.77"
BRIDGE = "hydrofoil0"
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def can_separate() -> bool:
    """Whether hosts can have networks of their own."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    made = subprocess.run(["ip", "netns", "add", "hydrofoil-try"], capture_output=True, check=False)
    if made.returncode == 0:
        subprocess.run(["ip", "netns", "del", "hydrofoil-try"], check=False)
    return made.returncode == 0


class Host:
    """A place where processes run.

    Attributes
    ----------
    separate : bool
        Whether it has a network of its own.
    """

    def __init__(self, name: str, address: str, folder: Path, separate: bool) -> None:
        self.name, self.address, self.folder, self.separate = name, address, folder, separate
        for part in ("work", "tmp", "local"):
            (folder / part).mkdir(parents=True)

    def start(self, log: Path, *command: object) -> "subprocess.Popen[bytes]":
        prefix = ["ip", "netns", "exec", self.name] if self.separate else []
        with log.open("wb") as stream:
            return subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={
                    **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
                    VARIABLE: self.name,
                    "SPARK_HOME": str(spark_home()),
                    "SPARK_DAEMON_MEMORY": "256m",
                    "SPARK_DAEMON_JAVA_OPTS": JVM,
                    "SPARK_LOCAL_IP": self.address,
                    "SPARK_LOCAL_DIRS": str(self.folder / "local"),
                    "TMPDIR": str(self.folder / "tmp"),
                },
            )

    def processes(self) -> list[psutil.Process]:
        mark = f"{VARIABLE}={self.name}".encode()
        found = []
        for process in psutil.process_iter():
            try:
                if mark in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                    found.append(process)
            except (OSError, psutil.Error):
                continue
        return found

    def lose(self) -> None:
        """Kill Spark's processes at once; Python's have to notice by themselves."""
        for process in self.processes():
            if process.name() == "java":
                process.send_signal(signal.SIGKILL)

    def left(self) -> list[str]:
        """What is there of a host that was lost: processes, and files that are not Spark's own."""
        end = time.monotonic() + 30
        while (found := self.processes()) and time.monotonic() < end:
            time.sleep(0.2)
        left = [f"process {process.pid}: {process.cmdline()}" for process in found]
        files = [path for part in ("tmp", "local") for path in (self.folder / part).rglob("*")]
        # The JVM would have removed these at its end; Spark leaves them where it is killed.
        spark = re.compile(r"blockmgr-|spark-|hsperfdata|liblz4|libzstd|snappy|rocksdb|libarrow")
        return left + [
            str(path)
            for path in files
            if path.is_file() and not spark.search(str(path.relative_to(self.folder)))
        ]


class Cluster:
    """A master here, and workers on hosts, of which each has one core."""

    def __init__(self, folder: Path, hosts: list[Host], address: str, stack: ExitStack) -> None:
        self.folder, self.hosts, self.address, self._stack = folder, hosts, address, stack
        self._number = 0
        here = Host("hydrofoil-master", address, folder / "master", separate=False)
        self.url = ""
        log = folder / "master.log"
        options = ["--host", address, "--port", "0", "--webui-port", "0"]
        master = here.start(log, *self._spark_class("master.Master"), *options)
        stack.callback(stop, master)
        [self.url] = wait_for(log, STARTED, master)
        for host in hosts:
            self.start_worker(host)

    @staticmethod
    def _spark_class(name: str) -> list[str]:
        return [str(spark_home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]

    def start_worker(self, host: Host) -> None:
        self._number += 1
        log = self.folder / f"worker-{self._number}.log"
        options = ["--host", host.address, "--port", "0", "--webui-port", "0", "--cores", "1"]
        options += ["--memory", "1g", "--work-dir", str(host.folder / "work"), self.url]
        worker = host.start(log, *self._spark_class("worker.Worker"), *options)
        self._stack.callback(stop, worker)
        wait_for(log, re.compile("Successfully registered"), worker)


@contextmanager
def network(names: list[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield this host's address, and the names and addresses of hosts on its network."""
    here = f"{NETWORK}.254"
    with ExitStack() as made:

        def ip(*words: str) -> None:
            subprocess.run(["ip", *words], check=True, capture_output=True)

        def later(*words: str) -> None:
            made.callback(subprocess.run, ["ip", *words], check=False, capture_output=True)

        ip("link", "add", BRIDGE, "type", "bridge")
        later("link", "del", BRIDGE)
        ip("addr", "add", f"{here}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        found = []
        for number, name in enumerate(names, 1):
            cable = f"{BRIDGE}-{number}"
            ip("netns", "add", name)
            later("netns", "del", name)
            ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", cable, "master", BRIDGE, "up")
            ip("-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                ip("-n", name, "link", "set", link, "up")
            found.append((name, f"{NETWORK}.{number}"))
        yield here, found


@contextmanager
def cluster(folder: Path, names: list[str]) -> Iterator[Cluster]:
    """Start a master and a worker on each host; end all, and check that nothing goes on."""
    with ExitStack() as stack:
        separate = can_separate()
        if separate:
            address, found = stack.enter_context(network(names))
        else:
            address = "127.0.0.1"
            found = [(name, f"127.0.0.{number}") for number, name in enumerate(names, 2)]
        hosts = [Host(name, at, folder / name, separate) for name, at in found]
        stack.callback(end_all, hosts)
        yield Cluster(folder, hosts, address, stack)


def end_all(hosts: list[Host]) -> None:
    for host in hosts:
        for process in host.processes():
            process.kill()
