"""A SLURM cluster on this machine, from Debian's packages: one controller, several nodes, loopback only.

Everything it writes is below one folder; its munge has its own key and socket. Several ``slurmd`` share
the machine, each with its own port; the processors and the memory they offer are declared, not counted.
"""

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "munge", "slurmctld", "slurmd", "sbatch", "squeue", "srun")
WHERE = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
# Processes are followed by /proc: neither systemd nor control groups are needed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
AccountingStorageType=accounting_storage/none
# Without accounting, `squeue` must still know jobs that have ended when Snakemake asks for them.
MinJobAge=600
KillWait=5
# A job that takes more memory than it asked for is ended, as on a real cluster.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
"""


def missing() -> list[str]:
    """Programs that a cluster needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=WHERE) is None]


@dataclass
class Cluster:
    """A cluster whose files are below `folder`; use it in a ``with`` block. Only root can start one."""

    folder: Path
    nodes: int = 2
    processors: int = 8
    memory: int = 32000

    def __enter__(self) -> "Cluster":
        # Munge refuses a socket in a folder that others cannot enter.
        self.folder.chmod(0o755)
        for name in ("munge", "state", "spool", "bin"):
            (self.folder / name).mkdir(mode=0o755)
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": f"{self.folder / 'bin'}:{WHERE}"}
        self._configure()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid("slurmctld.pid"):
            self.call("scancel", "--user=root", check=False)
            await_that(lambda: not self.call("squeue", "-h", "-t", "R,CG", check=False), 30, check=False)
        for path in (*self.folder.glob("slurmd-*.pid"), self.folder / "slurmctld.pid"):
            self._end(path.name)
        self._end("munge/pid")

    def call(self, *command: str, check: bool = True) -> str:
        """Run a program against the cluster; return what it printed."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            text=True,
            check=False,
            timeout=60,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0 or not check, f"{shlex.join(command)}: {done.stdout}"
        return done.stdout.strip()

    def jobs(self, state: str) -> dict[str, str]:
        """The jobs in a state (R running, PD pending): number, and the comment that names the rule."""
        rows = self.call("squeue", "-h", "-t", state, "-o", "%A %k").splitlines()
        return {number: comment for number, _, comment in (row.partition(" ") for row in rows)}

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = free_ports(1 + self.nodes)
        lines = [CONFIGURATION.format(host=host, port=ports[0], folder=self.folder)]
        lines += [
            f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            f" CPUs={self.processors} RealMemory={self.memory}\n"
            for number, port in enumerate(ports[1:], start=1)
        ]
        lines += [f"PartitionName=main Nodes=n[1-{self.nodes}] Default=YES MaxTime=UNLIMITED State=UP\n"]
        (self.folder / "slurm.conf").write_text("".join(lines), encoding="utf-8")
        # Inside a job, Snakemake takes every SLURM_ variable away before it calls srun, this one too.
        srun = self.folder / "bin" / "srun"
        real = shutil.which("srun", path=WHERE)
        configuration = shlex.quote(self.environment["SLURM_CONF"])
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {real} "$@"\n', encoding="utf-8")
        srun.chmod(0o755)

    def _start(self) -> None:
        munge = self.folder / "munge"
        self.call("mungekey", "--create", f"--keyfile={munge / 'key'}")
        self.call(
            "munged",
            f"--key-file={munge / 'key'}",
            f"--socket={munge / 'socket'}",
            f"--pid-file={munge / 'pid'}",
            f"--log-file={munge / 'log'}",
            f"--seed-file={munge / 'seed'}",
        )
        self.call("slurmctld")
        for number in range(1, self.nodes + 1):
            (self.folder / "spool" / f"n{number}").mkdir()
            self.call("slurmd", "-N", f"n{number}")
        await_that(
            lambda: self.call("sinfo", "-h", "-N", "-o", "%T", check=False).split() == ["idle"] * self.nodes,
            60,
            "the nodes of the cluster",
        )

    def _pid(self, name: str) -> int | None:
        path = self.folder / name
        try:
            number = int(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # not started, or ended
        return number if is_running(number) else None

    def _end(self, name: str) -> None:
        number = self._pid(name)
        for signal in (15, 9):
            if number is not None and is_running(number):
                os.kill(number, signal)
                await_that(lambda: not is_running(number), 15, check=False)


def is_running(number: int) -> bool:
    """Whether a process is one of the cluster's programs, and no zombie."""
    try:
        program = Path(os.readlink(f"/proc/{number}/exe")).name
    except OSError:
        return False
    return program.removesuffix("-wlm") in PROGRAMS  # Debian's name for the daemons of SLURM


def free_ports(number: int) -> list[int]:
    """Ports of the loopback device that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def await_that(true: Callable[[], object], seconds: float, what: str = "", check: bool = True) -> None:
    """Wait until something holds; fail (unless not `check`) if it does not within some seconds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            assert not check, f"waited {seconds} s in vain for {what}"
            return
        time.sleep(0.3)
